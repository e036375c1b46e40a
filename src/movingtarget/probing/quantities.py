"""What the probe measures, by layer and of the whole network: names, titles and units."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """One quantity of the probe.

    Attributes:
        title: what the page calls it.
        meaning: one sentence that says what it is.
        logarithmic: whether it is compared by its logarithm, as sizes are; else by its difference, as shares.
        unit: what it is counted in, if the title leaves it open; "%" for a share shown in hundredths.
    """

    title: str
    meaning: str
    logarithmic: bool = False
    unit: str = ""


OF_LAYER = {
    "weight_gain": Quantity(
        "weight gain",
        "Root mean square of the weights, times the root of how many inputs a unit reads.",
        True,
        unit="1 keeps size",
    ),
    "activation_size": Quantity(
        "activation", "Root mean square (rms) of the layer's outputs.", True, unit="rms"
    ),
    "dead_share": Quantity(
        "dead units", "Share of units that no gradient reaches for any example.", unit="%"
    ),
    "saturated_share": Quantity(
        "saturated", "Share of outputs at the flat ends of a bounded activation.", unit="%"
    ),
    "gradient_norm": Quantity(
        "gradient", "Norm of the loss's gradient in the layer's parameters.", True, unit="norm"
    ),
    "gradient_noise": Quantity(
        "noise",
        "Deviation of that gradient from batch to batch, in norms of its mean.",
        True,
        unit="of its mean",
    ),
    "update_ratio": Quantity(
        "update / weight",
        "Norm of the optimiser's step, in norms of the weights.",
        True,
        unit="ratio",
    ),
    "kept_alone": Quantity(
        "kept alone",
        "What the layer's own step lowers the loss by, over what its gradient promises.",
        unit="of promise",
    ),
    "promise_share": Quantity(
        "share of promise", "The layer's part of what the whole step promises.", unit="%"
    ),
    "target_shift": Quantity(
        "target moves",
        "Change of the layer's gradient once the layers below have moved, in norms of it.",
        True,
        unit="of gradient",
    ),
    "gradient_rank": Quantity(
        "gradient rank",
        "Effective rank of the examples' gradients at the layer's output, over that of noise.",
        unit="of noise",
    ),
    "gradient_correlation": Quantity(
        "gradient correlation",
        "Correlation between two examples' gradients at the layer's output.",
        unit="-1 to 1",
    ),
    "information_kept": Quantity(
        "information kept",
        "Least information of the layer on which example it reads, over the logarithm of their number.",
        unit="%",
    ),
}
"""By name; each with intervals over batches."""

OF_WHOLE = {
    "loss": Quantity("loss", "The loss of a batch.", True),
    "promise": Quantity(
        "promise F / L", "What the gradient promises of the step, in losses.", True, unit="%"
    ),
    "kept": Quantity("kept J / F", "What the step lowers the loss by, over what its gradient promises."),
    "kept_alone": Quantity("kept alone S / F", "The same, if each layer moved alone, summed over layers."),
    "interaction": Quantity(
        "lost to the others (S - J) / F", "What is lost because the other layers move too."
    ),
    "matched_kept": Quantity(
        "kept at a promise of 1 %", "J / F of the same step, scaled to promise 1 % of the loss."
    ),
    "matched_interaction": Quantity(
        "lost to the others at 1 %", "(S - J) / F of the same step, scaled to promise 1 % of the loss."
    ),
    "curvature": Quantity("curvature", "Largest eigenvalue of the loss's Hessian, from below.", True),
    "step_curvature": Quantity(
        "curvature along the step",
        "Curvature's price of the step over its promise: from 1, nothing is left of it.",
        True,
    ),
}
"""By name; each with intervals over batches where it is measured on several."""
