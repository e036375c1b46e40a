"""Figure: which faults the probe finds, and which others find, and what is said of healthy networks."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from movingtarget.drawing.style import panels, styled
from movingtarget.faults import FAULTS, HEALTHY
from movingtarget.figure import Drawing
from movingtarget.look import GREY
from movingtarget.statistics.rows import divide
from movingtarget.statistics.shares import share_interval
from movingtarget.tools import TOOLS

FIGURE = Drawing(
    rule="draw_fault_detection",
    tables=("fault_detection", "peer_detection"),
    caption="""\
Which faults each tool finds, and how often it says something else: look for filled markers at the
right and hollow ones at the left. Filled markers are the share of networks with a fault of which the
tool says what may mean it, hollow grey ones the share with a warning that may not, which in the last row, of
healthy networks, is any warning; where a tool cannot run it finds nothing. Lines are
95 % intervals of shares, with seeds and kinds of networks for independent cases (number of seeds:
{{ fault_detection.seeds | length }}). Made from networks of {{ fault_detection.kinds | length }} kinds
on {{ dataset }}, half of them trained for {{ fault_detection.trained_steps }} steps before the fault was
put in, by the probe on this run's networks and by the others on those of a run that was kept, from {{
fault_detection.batches }} batches of {{ fault_detection.batch_size }} images and at most {{
fault_detection.passes }} passes, or as many steps of training.
""",
)


@styled
def draw(fault_detection: pd.DataFrame, peer_detection: pd.DataFrame) -> Figure:
    """A panel for each tool: shares of cases with the fault told, and with another, a row for each fault.

    Args:
        fault_detection: table of that name.
        peer_detection: table of that name; may be empty.
    """
    said = pd.concat([table for table in (fault_detection, peer_detection) if len(table)])
    by_tool = divide(said, "tool")
    figure, grid = panels([TOOLS[tool].title for tool in by_tool], columns=4, row_height=7.0, sharey=True)
    for axes, (tool, rows) in zip(grid[0], by_tool.items(), strict=True):
        _draw_tool(axes, rows, str(tool))
    names = [*(fault.title for fault in FAULTS.values()), "healthy"]
    grid[0, 0].set_yticks(range(len(names)), names)
    grid[0, 0].set_ylim(len(names) - 0.5, -0.5)
    figure.supxlabel("share of networks (%)")
    return figure


def _draw_tool(axes: Axes, rows: pd.DataFrame, tool: str) -> None:
    look, by_fault = TOOLS[tool].look, divide(rows, "fault")
    for place, fault in enumerate([*FAULTS, HEALTHY]):
        if fault not in by_fault:
            continue
        _draw_share(axes, by_fault[fault]["alarmed"], place + 0.2, GREY, look["marker"], "white")
        if fault != HEALTHY:
            _draw_share(axes, by_fault[fault]["detected"], place - 0.2, look["color"], look["marker"], None)
    axes.set_xlim(-4, 104)
    axes.set_xticks([0, 50, 100])


def _draw_share(
    axes: Axes, cases: pd.Series, height: float, colour: str, marker: str, face: str | None
) -> None:
    share, low, high = share_interval(cases)
    axes.plot([100 * low, 100 * high], [height] * 2, color=colour, linewidth=1)
    axes.plot([100 * share], [height], color=colour, marker=marker, markerfacecolor=face or colour)
