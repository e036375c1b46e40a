"""What a probe could not measure, and why, in plain words."""

import math
from collections.abc import Mapping, Sequence

from movingtarget.probing.labels import Related
from movingtarget.probing.plan import Plan
from movingtarget.probing.result import Layer, Trial
from movingtarget.statistics.bootstrap import Interval

LABELS_UNTESTED = (
    "labels were not tested against inputs: there are no whole numbers, one for each example, with enough "
    "examples of each"
)


def notes(
    layers: Sequence[Layer],
    blocks: Sequence[Layer],
    whole: Mapping[str, Interval],
    trials: Sequence[Trial],
    related: Related | None,
) -> tuple[str, ...]:
    """A line for each thing that is missing."""
    found = []
    if any(block.layers for block in blocks):
        plan = Plan(len(layers))
        enough = max(plan.forward, plan.backward)
        found.append(
            f"layers were moved alone in {len(blocks)} stretches of several; {enough} passes move each alone"
        )
    unseen = [layer.name for layer in layers if "activation_size" not in layer.measured]
    if unseen:
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        found.append(
            f"of layer '{unseen[0]}'{more} no finite outputs were seen with a row for each example: nothing "
            "is known of its units and their gradients"
        )
    if related is None:
        found.append(LABELS_UNTESTED)
    if "curvature" not in whole:
        found.append("curvature was not measured: a part of the network has no second derivative")
    if any(trial.drop is not None and math.isnan(trial.drop.low) for trial in trials):
        found.append(
            "gains of what was tried have no interval: the loss cannot be taken of a part of a batch"
        )
    return tuple(found)
