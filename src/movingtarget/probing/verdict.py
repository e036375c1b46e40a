"""From what was measured to what is wrong."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.labels import Related
from movingtarget.probing.result import Finding, Layer, Trial
from movingtarget.statistics.bootstrap import Interval

CHANCE = 0.05
"""The p-value above which labels are not told from permuted ones."""

DEAD = 0.75
"""The share of dead units from which a layer is in trouble."""

GAINS = (0.25, 2.2)
"""Between which the gain of initial weights lies: torch's own 0.58, Glorot's 1, He's 1.41."""

FAR = 4.0
"""So many times the largest usual gain is too much for any layer."""

LEAST_KEPT = 1 / 3
"""The share of a step's promise below which it overshoots, if half the rate is better."""

MOST_PROMISED = 1.0
"""The share of the loss from which a step promises what cannot be kept."""

MOST_MOVED = 0.1
"""The share of its weights that the median layer's step is at most. Normalised networks outlive steps that
keep nothing of their promise, while these are small beside the weights: their size is all that normalisation
takes out."""

MOST_GROWTH = {"as-it-is": 0.5, "double-rate": 2.0}
"""The share of itself by which the loss may grow in a few steps, as it is and at twice the rate: healthy
training under way grows by some 0.5 at twice its rate."""

LEAST_PROMISE = 5e-4
"""The share of the loss that a step promises at least, if its rate is not too low."""

MOST_LEFT = 0.5
"""The share that a step which promises 1 % keeps at least, if the loss is not at its floor already."""

DEEP = 10
"""From so many layers with weights on, a network wants normalisation or skips."""

LEAST_INFORMATION, MOST_LOST = 0.5, 0.25
"""The share of the examples' information that a layer keeps at least, and of layers that may keep less."""


class Signs(NamedTuple):
    """What was measured besides quantities.

    Attributes:
        summed: whether the loss is a sum over examples.
        softmax_twice: whether it takes softmax of probabilities.
        related: the test of labels against inputs; None where it does not apply.
        cut: layers that decide the outputs without a gradient.
        still: layers that the step leaves as they are, though they have a gradient or were told not to.
        weighted: linear and convolutional layers, attention among them.
        normalised: whether there is any normalisation.
        optimiser: its class.
        learning_rate: of its first group.
        batches: read.
    """

    summed: bool
    softmax_twice: bool
    related: Related | None
    cut: tuple[str, ...]
    still: tuple[str, ...]
    weighted: tuple[str, ...]
    normalised: bool
    optimiser: str
    learning_rate: float
    batches: int


def findings(
    layers: tuple[Layer, ...], whole: Mapping[str, Interval], trials: Sequence[Trial], signs: Signs
) -> tuple[Finding, ...]:
    """All that is wrong, what explains others first; what is explained by one that was found is left out."""
    tried = {trial.name: trial for trial in trials}
    measured = {layer.name: layer.measured for layer in layers}
    of_depth = [*_of_depth(measured, tried, signs)]
    found = [
        *_of_the_loss(signs),
        *_of_layers(layers, signs, partly=not of_depth),
        *of_depth,
        *_of_the_rate(measured, whole, tried, signs),
    ]
    names = {finding.name for finding in found}
    return tuple(finding for finding in found if not names & EXPLAINED_BY.get(finding.name, frozenset()))


EXPLAINED_BY = {
    "rate-too-high": frozenset({"loss-summed", "dead-rectifiers", "initial-scale", "no-normalisation"}),
    "rate-too-low": frozenset(
        {"softmax-twice", "gradients-cut", "dead-rectifiers", "initial-scale", "no-normalisation"}
    ),
    "no-normalisation": frozenset({"gradients-cut", "dead-rectifiers", "initial-scale"}),
    "initial-scale": frozenset({"gradients-cut"}),
}
"""Findings that follow from others."""


def _of_the_loss(signs: Signs) -> Iterator[Finding]:
    exact = f"exact, on {signs.batches} of {signs.batches} batches"
    if signs.softmax_twice:
        evidence = (
            "The outputs of an example are positive and add up to 1, and yet the loss stays as it is if a "
            "number is added to all of them."
        )
        yield _finding("softmax-twice", (), evidence, exact)
    if signs.summed:
        evidence = "The loss of all examples twice is twice the loss of the batch."
        yield _finding("loss-summed", (), evidence, exact)
    related = signs.related
    if related is not None and related.p_value > CHANCE:
        evidence = (
            f"Of an example's nearest neighbours {related.agreement:.0%} have its label, and "
            f"{related.by_chance:.0%} do once labels are shuffled (p = {related.p_value:.2g})."
        )
        yield _finding("labels-unrelated", (), evidence, f"a permutation test on {related.examples} examples")


def _of_layers(layers: tuple[Layer, ...], signs: Signs, partly: bool) -> Iterator[Finding]:
    if signs.cut:
        evidence = f"The outputs depend on {_listed(signs.cut)}, but no path of the gradient leads there."
        yield _finding("gradients-cut", signs.cut, evidence, _everywhere(signs))
    blamed = _blamed(layers, partly)
    if blamed:
        share = _value(blamed[-1], "dead_share")
        evidence = f"{share:.0%} of the units of {blamed[-1].name} have no gradient for any example."
        yield _finding("dead-rectifiers", tuple(layer.name for layer in blamed), evidence, _everywhere(signs))
    if signs.still:
        evidence = f"The step of {signs.optimiser} does not change {_listed(signs.still)} at all."
        yield _finding("layer-frozen", signs.still, evidence, _everywhere(signs))


def _blamed(layers: tuple[Layer, ...], partly: bool) -> list[Layer]:
    """Layers of dead units: where some are wholly dead the highest, as nothing below has a gradient."""
    dead = [layer for layer in layers if _value(layer, "dead_share") >= DEAD]
    wholly = [layer for layer in dead if _value(layer, "dead_share") == 1]
    if wholly:
        return wholly[-1:]
    return dead if partly else []


def _of_depth(
    measured: Mapping[str, Mapping[str, Interval]],
    tried: Mapping[str, Trial],
    signs: Signs,
) -> Iterator[Finding]:
    gains = {
        name: measured[name]["weight_gain"].estimate
        for name in signs.weighted
        if "weight_gain" in measured[name]
    }
    wrong = {name: gain for name, gain in gains.items() if not GAINS[0] <= gain <= GAINS[1]}
    far = {name: gain for name, gain in gains.items() if gain > FAR * GAINS[1]}
    wrong = wrong if 2 * len(wrong) > len(gains) else far
    if wrong:
        low, high = min(wrong.values()), max(wrong.values())
        evidence = (
            f"The weights of {len(wrong)} of {len(gains)} layers have gains of {low:.2g} to {high:.2g}, "
            f"outside {GAINS[0]} to {GAINS[1]}."
        )
        sureness = "exact: it is of weights, not of batches"
        advice = _advice(tried, "initial-scale", ("normalisation",))
        yield _finding("initial-scale", tuple(wrong), evidence, sureness, advice)
    deep = len(signs.weighted) >= DEEP and not signs.normalised
    kept = {
        name: measured[name]["information_kept"].estimate
        for name in signs.weighted[:-1]  # the last has few units, and can keep no more
        if "information_kept" in measured[name]
    }
    lost = [name for name, share in kept.items() if share < LEAST_INFORMATION]
    if deep and len(lost) > MOST_LOST * len(kept):
        evidence = (
            f"Of {len(signs.weighted)} layers without normalisation {len(lost)} keep less than half of the "
            "information on which example they read."
        )
        yield _finding(
            "no-normalisation",
            tuple(lost),
            evidence,
            _everywhere(signs),
            _advice(tried, "no-normalisation", ("normalisation", "skips")),
        )


def _of_the_rate(
    measured: Mapping[str, Mapping[str, Interval]],
    whole: Mapping[str, Interval],
    tried: Mapping[str, Trial],
    signs: Signs,
) -> Iterator[Finding]:
    kept, promise = _of(whole, "kept"), _of(whole, "promise")
    steps = [
        measured[name]["update_ratio"].estimate for name in signs.weighted if "update_ratio" in measured[name]
    ]
    long = not signs.normalised or (len(steps) > 0 and median(steps) > MOST_MOVED)
    reasons = [*(_overshooting(kept, promise, tried, signs) if long else ()), *_growing(tried)]
    if reasons:
        evidence, sureness = reasons[0]
        advice = _advice(tried, "rate-too-high", ("half-rate",))
        yield _finding("rate-too-high", (), evidence, sureness, advice)
    if promise.high < 0:
        rise = -promise.estimate
        evidence = f"By its gradient the step of {signs.optimiser} raises the loss, by {rise:.2g} of itself."
        yield _finding("wrong-way", (), evidence, _range(promise))
    matched = _of(whole, "matched_kept")
    if 0 <= promise.estimate < LEAST_PROMISE and matched.estimate > MOST_LEFT:
        evidence = (
            f"The step promises {promise.estimate:.1g} of the loss; the same step, made long enough to "
            f"promise 1 %, keeps {matched.estimate:.0%} of that."
        )
        advice = _advice(tried, "rate-too-low", ("double-rate",))
        yield _finding("rate-too-low", (), evidence, _range(promise), advice)


def _helped(trial: Trial | None) -> bool:
    """Whether all of a trial's interval is a gain."""
    return trial is not None and trial.gain is not None and trial.gain.low > 0


def _overshooting(
    kept: Interval, promise: Interval, tried: Mapping[str, Trial], signs: Signs
) -> Iterator[tuple[str, str]]:
    """Evidence that a step is too long, and how sure it is."""
    step = f"the step of {signs.optimiser}"
    if promise.low > MOST_PROMISED:
        yield (
            f"By its gradient {step} promises {promise.estimate:.2g} times the loss itself.",
            _range(promise),
        )
    if kept.high < LEAST_KEPT and promise.estimate > LEAST_PROMISE and _helped(tried.get("half-rate")):
        yield f"Of what its gradient promises, {step} keeps {kept.estimate:.0%}.", _range(kept)


def _growing(tried: Mapping[str, Trial]) -> Iterator[tuple[str, str]]:
    """Evidence that the loss grows, or would at twice the rate."""
    for name, rate in (("as-it-is", "this"), ("double-rate", "twice this")):
        trial = tried.get(name)
        if trial is None:
            continue
        if trial.drop is None and "finite" in trial.note:
            yield f"In {trial.steps} steps at {rate} rate the loss is no longer finite.", "tried once"
        elif trial.drop is not None and trial.drop.estimate < -MOST_GROWTH[name] and trial.drop.high < 0:
            growth = 1 - trial.drop.estimate
            yield (
                f"In {trial.steps} steps at {rate} rate the loss grows to {growth:.3g} times itself.",
                f"95 % interval {1 - trial.drop.high:.3g} to {1 - trial.drop.low:.3g}",
            )


def _advice(tried: Mapping[str, Trial], name: str, candidates: tuple[str, ...]) -> str:
    """What helped most among the trials that speak to a finding, and what is always advised."""
    helped = [tried[candidate] for candidate in candidates if _helped(tried.get(candidate))]
    general = FINDINGS[name].advice
    if not helped:
        return general
    best = max(helped, key=lambda trial: trial.gain.estimate if trial.gain else -math.inf)
    assert best.gain is not None
    name, gain = best.name.replace("-", " "), best.gain.estimate
    return f"{general} Tried: {name} gained {_share(gain)} the loss in {best.steps} steps."


def _share(gain: float) -> str:
    """A gain in losses: a share of it, or a multiple if it is larger."""
    return f"{100 * gain:.2g} % of" if gain < 1 else f"{gain:.2g} times"


def _finding(name: str, layers: tuple[str, ...], evidence: str, sureness: str, advice: str = "") -> Finding:
    return Finding(name, layers, evidence, sureness, advice or FINDINGS[name].advice)


def _value(layer: Layer, quantity: str) -> float:
    return layer.measured[quantity].estimate if quantity in layer.measured else math.nan


def _of(whole: Mapping[str, Interval], quantity: str) -> Interval:
    return whole.get(quantity, Interval(math.nan, math.nan, math.nan))


def _range(found: Interval) -> str:
    return f"95 % interval over batches {found.low:.2g} to {found.high:.2g}"


def _everywhere(signs: Signs) -> str:
    return f"seen in {signs.batches} of {signs.batches} batches"


def _listed(layers: tuple[str, ...]) -> str:
    """Layers by name, three of them at most."""
    more = f" and {len(layers) - 3} more" if len(layers) > 3 else ""
    return f"layer{'s' if len(layers) > 1 else ''} {', '.join(layers[:3])}{more}"
