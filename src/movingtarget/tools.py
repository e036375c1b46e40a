"""What looks for faults in a network that trains: the probe, and three published tools."""

from typing import NamedTuple

from movingtarget.look import DARK, Look


class Tool(NamedTuple):
    """One tool.

    Attributes:
        asked_by: "module:function", called with a `Case` and a number of steps; returns an `Answer`.
        title: what figures call it.
        look: of its markers, the same in every figure.
    """

    asked_by: str
    title: str
    look: Look


TOOLS = {
    "probe": Tool("movingtarget.peers.probe:ask", "this probe", {"color": DARK, "marker": "o"}),
    "cockpit": Tool("movingtarget.peers.cockpit:ask", "Cockpit", {"color": "#0072B2", "marker": "s"}),
    "torchmortem": Tool(
        "movingtarget.peers.torchmortem:ask", "torchmortem", {"color": "#D55E00", "marker": "^"}
    ),
    "torchdiag": Tool("movingtarget.peers.torchdiag:ask", "torchdiag", {"color": "#009E73", "marker": "v"}),
}
"""The tools by the name that tables have for them, ours first."""

PEERS = tuple(name for name in TOOLS if name != "probe")
