"""What the report shows: figures with what they rest on, claims with the figure that shows them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from movingtarget.figure import Drawing, filled_caption
from movingtarget.report import prose
from movingtarget.report.sentences import Claim, estimate, records


class Run(NamedTuple):
    """What a report is written from, beside the tables.

    Attributes:
        config: the run's settings.
        version: of the code.
        command: the words that start this run again, before a target.
        figures: what each declares, by name.
        shown: names of those that the text shows, in its order.
        fingerprints: of the tables that each figure is drawn from.
        claim_tables: the table that decides each claim, by id.
        costs: of the run that made the tables, a row for each job.
        made: where, when and by what they were made.
        anew: whether this run made them, and not one that was kept.
    """

    config: Mapping[str, Any]
    version: str
    command: str
    figures: Mapping[str, Drawing]
    shown: Sequence[str]
    fingerprints: Mapping[str, str]
    claim_tables: Mapping[str, str]
    costs: pd.DataFrame
    made: Mapping[str, Any]
    anew: bool


def figure_of(claim: str, run: Run) -> str | None:
    """The figure of a claim: drawn from its table and the fewest others, of several the first in the text."""
    table = run.claim_tables[claim]
    showing = [name for name in run.shown if table in run.figures[name].tables]
    return min(showing, key=lambda name: len(run.figures[name].tables), default=None)


def claims_of(figure: str, run: Run) -> list[str]:
    """The claims whose figure it is."""
    return [claim for claim in run.claim_tables if figure_of(claim, run) == figure]


def figure_markdown(name: str, run: Run) -> str:
    """A figure with its caption, first sentence bold; under it its data, its claims and what made it."""
    drawing = run.figures[name]
    first, _, rest = filled_caption(drawing.caption, run.config).partition(". ")
    data = ", ".join(f"[{table}](#data-{table})" for table in drawing.tables)
    claims = claims_of(name, run)
    judged = f" [Claims: {len(claims)}](#claim-{claims[0]})." if claims else ""
    return (
        f"![**{first}.** {rest}]({name}){{#fig-{name}}}\n\n"
        "::: provenance\n"
        f"Data: {data} (sha256 {run.fingerprints[name]}).{judged} Rule `{drawing.rule}`, file `{name}.svg`\n"
        ":::\n"
    )


def claims_table(claims: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The claims as the report shows them, in text.

    Returns:
        Columns question (in words), claim (statement with its source, marked by its id), estimate (with
        interval), confidence (of the interval), gradient_norm (the confound of the treatment / of the
        control, empty if the claim has none), figure (that shows it, empty if none does) and verdict.
    """
    links = [figure_of(name, run) for name in claims["claim"]]
    marks = "[]{#claim-" + claims["claim"] + "}"
    return pd.DataFrame(
        {
            "question": claims["question"].str.replace("-", " "),
            "claim": marks + claims["statement"] + " [@" + claims["paper"] + ", " + claims["place"] + "]",
            "estimate": [estimate(claim) for claim in records(claims)],
            "confidence": [prose.percent(confidence) for confidence in claims["confidence"]],
            "gradient_norm": [_confound(claim) for claim in records(claims)],
            "figure": [f"[](#fig-{figure})" if figure else "" for figure in links],
            "verdict": claims["verdict"].map(prose.verdict),
        }
    )


def tables_shown(tables: Mapping[str, pd.DataFrame], run: Run) -> str:
    """A list of the tables behind the figures shown, each marked by its name, with its size and columns."""
    names = dict.fromkeys(table for figure in run.shown for table in run.figures[figure].tables)
    lines = [
        f"- []{{#data-{name}}}`{name}.csv`: {prose.number(len(tables[name]))} rows of "
        f"{prose.listed([str(column).replace('_', ' ') for column in tables[name]])}"
        for name in sorted(names)
    ]
    return "\n".join(lines)


def _confound(claim: Claim) -> str:
    """One number, or treatment / control; empty if there is neither."""
    means = [claim["treatment_confound"], claim["control_confound"]]
    while means and np.isnan(means[-1]):
        means.pop()
    return " / ".join(prose.number(mean, 2) for mean in means)
