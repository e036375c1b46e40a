"""Chapters on the moving target, on orders and on first layers, and their appendices, for any verdicts."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from movingtarget.report.early_steps import CASES
from movingtarget.report.prose import VERDICTS, environment
from movingtarget.report.sentences import sentences

PROJECT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((PROJECT / "config/config.yaml").read_text(encoding="utf-8"))
REGISTRY = yaml.safe_load((PROJECT / "config/claims.yaml").read_text(encoding="utf-8"))
CLAIMS = [claim["id"] for claim in REGISTRY]
CHAPTERS = ("target", "orders", "first_layers")
FILES = [f"{part}/{name}.md" for part in ("chapters", "appendices") for name in CHAPTERS]
TABLES = {"promises", "early_steps", "orders", "remedies", "fine_tuned", "large_batches"}
COLUMNS = {
    column
    for file in FILES
    for columns in re.findall(
        r"markdown_table\(\{(.*?)\}\)", (PROJECT / "report" / file).read_text("utf-8"), re.S
    )
    for column in re.findall(r'"([\w-]+)":', columns)
}
"""Of all tables that the files show."""

TEMPLATES = {
    file: environment(PROJECT / "report").from_string((PROJECT / "report" / file).read_text(encoding="utf-8"))
    for file in FILES
}


def names_of(file: str) -> list[str]:
    """The claims that a file speaks of, those that it names by network in short among them."""
    text = (PROJECT / "report" / file).read_text(encoding="utf-8")
    quoted = set(re.findall(r'"([a-z0-9-]+)"', text))
    of_networks = {
        f"{name}-{network}" for name in re.findall(r'verdicts_of\("(.*?)"', text) for network in CASES
    }
    return sorted((quoted | of_networks) & set(CLAIMS))


def written(file: str, verdicts: dict[str, str], edges: tuple[str, ...] = (), untrained: bool = False) -> str:
    """A file as the report would have it, where all claims but these are inconclusive."""
    table = pd.DataFrame([dict.fromkeys(COLUMNS, "1")])
    claims = {
        claim["id"]: {"claim": claim["id"], "question": claim.get("question", "none"), "seeds": 10}
        | {"verdict": verdicts.get(claim["id"], "inconclusive"), "estimate": 0.5, "low": 0.25, "high": 0.75}
        for claim in REGISTRY
    }
    values: dict[str, Any] = {
        **sentences(claims),
        **dict.fromkeys(TABLES, table),
        **{
            "config": CONFIG,
            "dataset": "Fashion-MNIST",
            "pair": "1 (trouser) and 7 (sneaker)",
            "edges": edges,
        },
        "sigmoids_untrained": untrained,
        "first_layers": {"shares": "80 % (plain)", "frozen": table, "gains": table},
        "counter_example": dict.fromkeys(("ratio", "simultaneous", "sweep", "gain"), "1.5"),
        "mean": lambda table, **conditions: "0.5",
        "figure": lambda name: f"FIGURE({name})",
    }
    return TEMPLATES[file].render(values)


def drawn(file: str, seed: int) -> str:
    """A file for verdicts drawn at random."""
    source = np.random.default_rng(seed)
    return written(file, {name: str(source.choice(VERDICTS)) for name in CLAIMS})


@pytest.mark.parametrize(("file", "name"), [(file, name) for file in FILES for name in names_of(file)])
def test_each_verdict_of_each_claim_changes_the_text_whatever_the_others(file: str, name: str):
    for others in VERDICTS:
        verdicts = dict.fromkeys(names_of(file), others)
        assert len({written(file, verdicts | {name: verdict}) for verdict in VERDICTS}) == 3


@pytest.mark.parametrize("file", FILES)
def test_any_verdicts_leave_whole_sentences(file: str):
    for seed in range(20):
        text = drawn(file, seed)
        assert not re.search(r"<<|<%|None|[,;:.] ?[,;.]|\n\n\n\n", text)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_opens_with_what_was_asked_and_found_and_how_sure_that_is(chapter: str):
    opening = drawn(f"chapters/{chapter}.md", 0).partition("::: summary\n")[2].partition("\n:::")[0]
    asked, found, sure = opening.split("\n\n")
    assert asked.startswith("**Asked.**")
    assert asked.endswith("?")
    assert found.startswith("**Found.**")
    assert re.match(r"\*\*How sure\.\*\*.* tests are decided, over", sure)


def prose(text: str) -> str:
    """Sentences alone: no tables, captions, formulas, lists' bullets or addresses of links."""
    blocks = [block for block in text.split("\n\n") if not re.match(r"\||: |#|FIGURE|\$\$|:::", block)]
    inline = re.sub(
        r"\$.*?\$|\]\(.*?\)|\[@.*?\]|`.*?`", "", " ".join(" ".join(blocks).replace("**", "").split())
    )
    return inline.replace(" - ", ". ")


@pytest.mark.parametrize("file", FILES)
def test_sentences_have_at_most_forty_words(file: str):
    for seed in range(20):
        for sentence in re.split(r"(?<=[.?!;])\s", prose(drawn(file, seed))):
            assert len(sentence.split()) <= 40, sentence


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_figure_stands_once_in_a_chapter_or_its_appendix(chapter: str):
    text = "".join(drawn(f"{part}/{chapter}.md", 0) for part in ("chapters", "appendices"))
    shown = re.findall(r"FIGURE\((\w+)\)", text)
    assert len(shown) == len(set(shown))
    assert all(f"#fig-{name}" in text for name in shown)


def test_a_rate_at_an_edge_is_told():
    told = written("appendices/orders.md", {}, ("a sweep on plain", "Muon on plain"))
    assert "nonetheless for a sweep on plain; Muon on plain" in told
    assert "nonetheless" not in written("appendices/orders.md", {})


def test_where_no_order_learns_none_is_preferred():
    helps = {"greedy-start-helps-sigmoid": "reproduced"}
    assert "With sigmoids, as in 2007, it helps" in written("chapters/orders.md", helps)
    told = written("chapters/orders.md", helps, untrained=True)
    assert "it helps" not in told
    assert "no order leaves chance" in told
