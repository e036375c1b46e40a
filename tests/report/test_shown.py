"""Figures and claims as the report shows them, each leading to the other."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.figure import Drawing
from movingtarget.report.shown import Run, claims_of, claims_table, figure_markdown, figure_of, tables_shown

CLAIM: dict[str, Any] = {"claim": "first", "statement": "It is so.", "paper": "he2015", "place": "figure 1"}
CLAIM |= {"kind": "question", "question": "is-it-so", "confidence": 0.975}

RUN = Run(
    config={"a": 3, "results": "my results"},
    version="1.2",
    command="snakemake --cores 2",
    figures={
        "both": Drawing("draw_these", ("one", "other"), "See {{ a }} lines.\nThey\nwere drawn.\n"),
        "alone": Drawing("draw_these", ("one",), "See one. Made."),
        "again": Drawing("draw_these", ("one",), "See it again. Made."),
        "hidden": Drawing("draw_these", ("lost",), "See nothing. Made."),
    },
    shown=["both", "alone", "again"],
    fingerprints={"both": "abc", "alone": "def", "again": "def", "hidden": "0"},
    claim_tables={"first": "one", "second": "other", "third": "other", "fourth": "lost"},
    costs=pd.DataFrame(),
    made={},
    anew=True,
)


def test_a_claim_leads_to_the_first_figure_of_its_table_and_fewest_others_and_back():
    assert [figure_of(claim, RUN) for claim in RUN.claim_tables] == ["alone", "both", "both", None]
    assert [claims_of(figure, RUN) for figure in RUN.figures] == [["second", "third"], ["first"], [], []]


def test_a_claims_row_is_marked_and_linked():
    claim = CLAIM | {"verdict": "reproduced", "estimate": 0.5, "low": 0.4, "high": 0.6, "seeds": 5}
    claim |= {"treatment_confound": np.nan, "control_confound": np.nan}
    table = claims_table(pd.DataFrame([claim, claim | {"claim": "fourth"}]), RUN)
    assert table["claim"][0] == "[]{#claim-first}It is so. [@he2015, figure 1]"
    assert table["figure"].tolist() == ["[](#fig-alone)", ""]


def test_tables_behind_the_figures_shown_are_listed_once():
    tables = {"one": pd.DataFrame({"step": [1, 2], "train_loss": [0.5, 0.4]})}
    tables["other"] = pd.DataFrame({"value": [1.0] * 1234})
    assert tables_shown(tables, RUN).splitlines() == [
        "- []{#data-one}`one.csv`: 2 rows of step and train loss",
        "- []{#data-other}`other.csv`: 1,234 rows of value",
    ]


def test_a_claim_that_was_not_measured_says_so():
    claim = CLAIM | {"verdict": "inconclusive", "treatment_confound": np.nan, "control_confound": np.nan}
    measured = claim | {"estimate": 0.5, "low": 0.4, "high": 0.6, "seeds": 5, "verdict": "reproduced"}
    missing = claim | {"estimate": np.nan, "low": np.nan, "high": np.nan, "seeds": 0}
    table = claims_table(pd.DataFrame([measured, missing]), RUN)
    assert "[@he2015, figure 1]" in table["claim"][0]
    assert (table["question"][0], table["confidence"][0]) == ("is it so", "97.5\N{NO-BREAK SPACE}%")
    assert "0.50" in table["estimate"][0]
    assert table["estimate"][1] == "not measured"
    assert "reproduced" in table["verdict"][0]


@pytest.mark.parametrize(
    ("treatment", "control", "text"),
    [
        (np.nan, np.nan, ""),
        (3.2, np.nan, "3.2"),
        (3.2, 0.41, "3.2 / 0.41"),
        (np.nan, 0.41, "undefined / 0.41"),
    ],
)
def test_the_gradients_norm_stands_beside_the_verdict(treatment, control, text):
    claim = CLAIM | {"verdict": "reproduced", "estimate": 0.5, "low": 0.4, "high": 0.6, "seeds": 5}
    claims = pd.DataFrame([claim | {"treatment_confound": treatment, "control_confound": control}])
    assert claims_table(claims, RUN)["gradient_norm"].tolist() == [text]


def test_a_caption_is_filled_its_first_sentence_bold_and_what_it_rests_on_below():
    assert figure_markdown("both", RUN) == (
        "![**See 3 lines.** They were drawn.](both){#fig-both}\n\n"
        "::: provenance\n"
        "Data: [one](#data-one), [other](#data-other) (sha256 abc). [Claims: 2](#claim-second). "
        "Rule `draw_these`, file `both.svg`\n"
        ":::\n"
    )
    assert "Claims" not in figure_markdown("again", RUN)
