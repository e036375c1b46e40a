"""What the report says of faults that were put into networks, and of who finds them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from movingtarget.faults import FAULTS, HEALTHY, KINDS
from movingtarget.report import prose
from movingtarget.statistics.rows import divide, where
from movingtarget.statistics.shares import share_interval
from movingtarget.tools import TOOLS

Tables = Mapping[str, pd.DataFrame]

HARMED = 0.05
"""A fault does harm from this loss of test accuracy on."""

DASH = "\N{EN DASH}"


def fault_values(tables: Tables) -> dict[str, Any]:
    """All that the report's chapter names.

    Args:
        tables: fault_detection, fault_harm and peer_detection, of which the last may be empty.
    """
    said = pd.concat([tables[name] for name in ("fault_detection", "peer_detection") if len(tables[name])])
    return {
        "detections": detections_table(said, tables["fault_harm"]),
        "harmless": harmless(tables["fault_harm"]),
        "missed": missed(tables["fault_detection"]),
        "kinds": "; ".join(KINDS[kind].title for kind in KINDS if kind in {*tables["fault_harm"]["kind"]}),
        "peers_cases": peers_cases(tables["peer_detection"]),
        "problems": problems_table(said),
    }


def peers_cases(found: pd.DataFrame) -> str:
    """Of which kinds the published tools were given networks, and by how many seeds; empty for none.

    Args:
        found: table peer_detection.

    >>> peers_cases(pd.DataFrame({"kind": ["perceptron", "perceptron"], "seed": [20, 21]}))
    'perceptron (2 seeds)'
    """
    given = {kind: found[found["kind"] == kind]["seed"].nunique() for kind in KINDS}
    return "; ".join(
        f"{KINDS[kind].title} ({seeds} seed{'s' if seeds > 1 else ''})"
        for kind, seeds in given.items()
        if seeds
    )


def detections_table(said: pd.DataFrame, harm: pd.DataFrame) -> pd.DataFrame:
    """A row for each fault: the test accuracy it costs, and the share of cases in which each tool tells it.

    Args:
        said: tables of detections, of all tools.
        harm: table fault_harm.

    Returns:
        Columns fault, without, with (test accuracies in per cent, means over kinds and seeds), and one for
        each of `TOOLS` (per cent, with 95 % interval; a dash for a tool without rows). The last row is of
        healthy networks, and holds the shares with any warning.
    """
    rows = []
    for fault in [*FAULTS, HEALTHY]:
        column = "alarmed" if fault == HEALTHY else "detected"
        title = "none: any warning" if fault == HEALTHY else FAULTS[fault].title
        by_tool = divide(where(said, fault=fault), "tool")
        shares = {tool: _share(by_tool[tool][column]) if tool in by_tool else DASH for tool in TOOLS}
        rows.append({"fault": title, **_accuracies(harm, fault), **shares})
    return pd.DataFrame(rows)


def _accuracies(harm: pd.DataFrame, fault: str) -> dict[str, str]:
    """Test accuracies without and with a fault, of those kinds that may have it."""
    having = where(harm, fault=fault)
    if having.empty:
        return {"without": DASH, "with": DASH}
    healthy = where(harm, fault=HEALTHY)
    without = healthy[healthy["kind"].isin(having["kind"].unique())]["value"].mean()
    found = DASH if fault == HEALTHY else prose.number(100 * having["value"].mean(), 2)
    return {"without": prose.number(100 * without, 2), "with": found}


def _share(cases: pd.Series) -> str:
    return prose.interval(*(100 * end for end in share_interval(cases)))


def harmless(harm: pd.DataFrame) -> list[str]:
    """The faults that cost a kind of networks less than 5 points of accuracy: "rate too low (convnet)"."""
    means = harm.groupby(["kind", "fault"])["value"].mean()
    return [
        f"{FAULTS[fault].title} ({KINDS[kind].title})"
        for fault in FAULTS
        for kind in KINDS
        if (kind, fault) in means.index and means[kind, fault] > means[kind, HEALTHY] - HARMED
    ]


def missed(found: pd.DataFrame) -> list[str]:
    """The faults that the probe finds in less than half of a kind's networks.

    Args:
        found: table fault_detection.
    """
    means = found.groupby(["kind", "fault"])["detected"].mean()
    return [
        f"{FAULTS[fault].title} ({KINDS[kind].title})"
        for fault in FAULTS
        for kind in KINDS
        if (kind, fault) in means.index and means[kind, fault] < 0.5
    ]


def problems_table(said: pd.DataFrame) -> pd.DataFrame:
    """Why a tool could not say all that it might: columns tool, kind, cases (a number), problem."""
    rows = [
        {"tool": TOOLS[tool].title, "kind": KINDS[kind].title, "cases": len(cases), "problem": problem}
        for (tool, kind, problem), cases in divide(
            said[said["problem"] != "none"], "tool", "kind", "problem"
        ).items()
    ]
    return pd.DataFrame(rows, columns=["tool", "kind", "cases", "problem"])
