"""Findings from hand-made values, at both sides of every threshold."""

import math
from typing import Any

import pytest

from movingtarget.probing import verdict
from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.labels import Related
from movingtarget.probing.result import Layer, Trial
from movingtarget.probing.verdict import EXPLAINED_BY, Signs, findings
from movingtarget.statistics.bootstrap import Interval

SMALL = 1e-9
DEPTH = verdict.DEEP
HEALTHY = {
    "weight_gain": 1.0,
    "information_kept": 0.9,
    "dead_share": 0.0,
    "update_ratio": 0.01,
}
WHOLE = {"kept": 0.9, "promise": 0.01, "matched_kept": 0.9}


def exact(value: float, spread: float = 0.0) -> Interval:
    return Interval(value, value - spread, value + spread)


def layers_of(count: int = 3, **measured: list[float]) -> tuple[Layer, ...]:
    """Healthy layers, but for the quantities given, which have a value for each."""
    return tuple(
        Layer(
            str(place),
            "Linear",
            1,
            {
                name: exact(measured[name][place] if name in measured else value)
                for name, value in HEALTHY.items()
            },
        )
        for place in range(count)
    )


def signs(layers: tuple[Layer, ...], **others: Any) -> Signs:
    names = tuple(layer.name for layer in layers)
    healthy = Signs(False, False, None, (), (), names, False, "SGD", 0.1, 3)
    return healthy._replace(**others)


def trial(name: str, gain: float = -0.1, drop: float = 0.1, **more: Any) -> Trial:
    return Trial(name, 3, exact(drop, 0.01), exact(gain, 0.01), **more)


def named(
    layers: tuple[Layer, ...] | None = None, trials: tuple[Trial, ...] = (), whole: Any = None, **others: Any
) -> list[str]:
    layers = layers or layers_of()
    kept = {name: exact(value) for name, value in {**WHOLE, **(whole or {})}.items()}
    return [finding.name for finding in findings(layers, kept, trials, signs(layers, **others))]


def test_a_healthy_network():
    assert named() == []
    assert named(layers_of(DEPTH)) == []
    assert named(layers_of(1)) == []


@pytest.mark.parametrize(("p_value", "found"), [(0.05, []), (0.05 + SMALL, ["labels-unrelated"])])
def test_labels(p_value, found):
    assert verdict.CHANCE == 0.05
    assert named(related=Related(0.3, 0.29, p_value, 100)) == found


def test_losses():
    assert named(summed=True) == ["loss-summed"]
    assert named(softmax_twice=True) == ["softmax-twice"]


@pytest.mark.parametrize(
    ("share", "found"),
    [(verdict.DEAD - SMALL, []), (verdict.DEAD, ["dead-rectifiers"]), (1.0, ["dead-rectifiers"])],
)
def test_dead_units(share, found):
    assert named(layers_of(dead_share=[0.0, share, 0.0])) == found


def blamed(layers: tuple[Layer, ...], **others: Any) -> dict[str, tuple[str, ...]]:
    whole = {name: exact(value) for name, value in WHOLE.items()}
    return {found.name: found.layers for found in findings(layers, whole, (), signs(layers, **others))}


def test_below_a_layer_that_is_wholly_dead_nothing_is_blamed():
    assert blamed(layers_of(4, dead_share=[1.0, 1.0, 0.9, 0.1])) == {"dead-rectifiers": ("1",)}
    assert blamed(layers_of(4, dead_share=[0.8, 0.1, 0.9, 0.1])) == {"dead-rectifiers": ("0", "2")}


def test_layers_that_do_not_move_or_are_cut_off():
    assert blamed(layers_of(), still=("1",)) == {"layer-frozen": ("1",)}
    assert blamed(layers_of(), cut=("0", "1")) == {"gradients-cut": ("0", "1")}


@pytest.mark.parametrize(
    ("gains", "wrong"),
    [
        ([verdict.GAINS[0], 1.0, verdict.GAINS[1]], ()),
        ([verdict.GAINS[0] - SMALL, verdict.GAINS[1] + SMALL, 1.0], ("0", "1")),
        ([verdict.GAINS[0] - SMALL, 1.0, 1.0], ()),
        ([9.0, 9.0, 9.0], ("0", "1", "2")),
    ],
)
def test_the_scale_of_more_than_half_of_the_layers(gains, wrong):
    assert blamed(layers_of(weight_gain=gains)) == ({"initial-scale": wrong} if wrong else {})


@pytest.mark.parametrize(
    ("gain", "found"),
    [
        (1 / math.sqrt(3), []),  # torch's own initial weights
        (1.0, []),  # Glorot's
        (math.sqrt(2), []),  # He's
        (5 / math.sqrt(3), ["initial-scale"]),
        (1 / (5 * math.sqrt(3)), ["initial-scale"]),
    ],
)
def test_the_usual_initial_weights_are_no_trouble_and_five_times_these_are(gain, found):
    assert named(layers_of(weight_gain=[gain] * 3)) == found


@pytest.mark.parametrize(
    ("promise", "found"),
    [  # of a thousandth of rates that train convnets, and of the least that trains well, of a perceptron
        (2.8e-4, ["rate-too-low"]),
        (9e-4, []),
    ],
)
def test_rates_that_were_seen_are_told_apart(promise, found):
    assert named(whole={"promise": promise}) == found


@pytest.mark.parametrize(("kept", "found"), [(0.29, ["rate-too-high"]), (0.5, [])])
def test_what_steps_kept_that_were_seen_is_told_apart(kept, found):
    assert named(whole={"kept": kept, "promise": 0.5}, trials=(trial("half-rate", 0.03),)) == found


@pytest.mark.parametrize(("count", "found"), [(8, []), (21, ["no-normalisation"])])
def test_how_deep_is_deep(count, found):
    assert named(layers_of(count, information_kept=[0.1] * count)) == found


def test_half_of_the_layers_are_not_enough():
    assert named(layers_of(4, weight_gain=[8.0, 8.0, 1.0, 1.0])) == []


@pytest.mark.parametrize(
    ("count", "share", "few", "normalised", "found"),
    [  # of the layers but the last, more than a quarter
        (DEPTH, verdict.LEAST_INFORMATION - SMALL, 3, False, ["no-normalisation"]),
        (DEPTH, verdict.LEAST_INFORMATION - SMALL, 2, False, []),
        (DEPTH, verdict.LEAST_INFORMATION, 3, False, []),
        (DEPTH - 1, verdict.LEAST_INFORMATION - SMALL, 3, False, []),
        (DEPTH, verdict.LEAST_INFORMATION - SMALL, 3, True, []),
    ],
)
def test_depth_without_normalisation(count, share, few, normalised, found):
    shares = [share if place < few else 0.9 for place in range(count)]
    assert named(layers_of(count, information_kept=shares), normalised=normalised) == found


@pytest.mark.parametrize(
    ("kept", "promise", "gain", "found"),
    [
        (verdict.LEAST_KEPT - SMALL, 0.1, 0.011, ["rate-too-high"]),
        (verdict.LEAST_KEPT, 0.1, 0.011, []),
        (verdict.LEAST_KEPT - SMALL, 0.1, 0.01, []),
        (verdict.LEAST_KEPT - SMALL, verdict.LEAST_PROMISE, 0.011, []),
        (0.9, verdict.MOST_PROMISED, 0.0, []),
        (0.9, verdict.MOST_PROMISED + SMALL, 0.0, ["rate-too-high"]),
    ],
)
def test_a_step_that_overshoots(kept, promise, gain, found):
    assert named(whole={"kept": kept, "promise": promise}, trials=(trial("half-rate", gain),)) == found


@pytest.mark.parametrize(("moved", "found"), [(0.1, []), (0.1 + SMALL, ["rate-too-high"])])
def test_normalised_networks_outlive_steps_that_are_small_beside_their_weights(moved, found):
    assert verdict.MOST_MOVED == 0.1
    layers = layers_of(update_ratio=[0.01, moved, 5.0])  # the median decides
    assert named(layers, whole={"promise": 2.0}, normalised=True) == found
    assert named(layers, whole={"promise": 2.0}) == ["rate-too-high"]


@pytest.mark.parametrize(("name", "most"), [("as-it-is", 0.5), ("double-rate", 2.0)])
@pytest.mark.parametrize(
    ("by", "low", "high", "found"),
    [
        (0.0, -3.0, -0.4, []),
        (SMALL, -3.0, -0.4, ["rate-too-high"]),
        (0.1, -3.0, 0.0, []),
        (0.1, -3.0, -SMALL, ["rate-too-high"]),
        (0.1, math.nan, math.nan, []),
    ],
)
def test_a_loss_that_grows(name, most, by, low, high, found):
    drop = Interval(-most - by, low, high)
    assert named(trials=(Trial(name, 3, drop),), normalised=True) == found


def test_how_much_a_loss_grows_is_said():
    layers = layers_of(3)
    whole = {name: exact(value) for name, value in WHOLE.items()}
    trial = Trial("double-rate", 3, Interval(-3.0, -4.0, -2.0))
    (found,) = findings(layers, whole, (trial,), signs(layers, normalised=True))
    assert found.evidence == "In 3 steps at twice this rate the loss grows to 4 times itself."
    assert found.sureness == "95 % interval 3 to 5"


def test_a_promise_that_may_be_kept_is_no_trouble():
    layers = layers_of(3)
    whole = {name: exact(value) for name, value in WHOLE.items()} | {"promise": Interval(1.2, 0.64, 1.8)}
    assert findings(layers, whole, (), signs(layers)) == ()


@pytest.mark.parametrize(("high", "found"), [(-SMALL, ["wrong-way"]), (0.0, [])])
def test_a_step_uphill(high, found):
    layers = layers_of(3)
    whole = {name: exact(value) for name, value in WHOLE.items()} | {"promise": Interval(-0.5, -1.0, high)}
    assert [one.name for one in findings(layers, whole, (), signs(layers))] == found


@pytest.mark.parametrize(
    ("gain", "found"), [(4 * verdict.GAINS[1], []), (4 * verdict.GAINS[1] + SMALL, ["initial-scale"])]
)
def test_one_layer_far_too_large(gain, found):
    assert named(layers_of(4, weight_gain=[gain, 1.0, 1.0, 1.0])) == found


def test_a_loss_that_is_no_longer_finite():
    note = "the loss is no longer finite"
    assert named(trials=(Trial("double-rate", 3, None, note=note),)) == ["rate-too-high"]
    assert named(trials=(Trial("half-rate", 3, None, note=note),)) == []
    assert named(trials=(Trial("as-it-is", 3, None, note="the loss of the batch left over is zero"),)) == []


@pytest.mark.parametrize(
    ("promise", "left", "found"),
    [
        (verdict.LEAST_PROMISE - SMALL, verdict.MOST_LEFT + SMALL, ["rate-too-low"]),
        (verdict.LEAST_PROMISE, verdict.MOST_LEFT + SMALL, []),
        (verdict.LEAST_PROMISE - SMALL, verdict.MOST_LEFT, []),
        (verdict.LEAST_PROMISE - SMALL, math.nan, []),
    ],
)
def test_a_step_that_promises_nothing(promise, left, found):
    assert named(whole={"promise": promise, "matched_kept": left}) == found


CAUSES: dict[str, dict[str, Any]] = {
    "loss-summed": {"summed": True},
    "softmax-twice": {"softmax_twice": True},
    "gradients-cut": {"cut": ("0",)},
    "dead-rectifiers": {"layers": {"dead_share": [1.0] * DEPTH}},
    "initial-scale": {"layers": {"weight_gain": [9.0] * DEPTH}},
    "no-normalisation": {"layers": {"information_kept": [0.1] * DEPTH}},
    "rate-too-high": {"whole": {"promise": 2.0}},
    "rate-too-low": {"whole": {"promise": 0.0}},
    "wrong-way": {"whole": {"promise": -0.5}},
    "layer-frozen": {"still": ("0",)},
    "labels-unrelated": {"related": Related(0.1, 0.1, 0.5, 100)},
}


def caused(*names: str) -> list[str]:
    merged: dict[str, Any] = {"layers": {}, "whole": {}}
    for name in names:
        for key, value in CAUSES[name].items():
            merged[key] = {**merged[key], **value} if key in ("layers", "whole") else value
    return named(layers_of(DEPTH, **merged.pop("layers")), **merged)


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_can_be_made_alone(name):
    assert caused(name) == [name]


@pytest.mark.parametrize(
    ("found", "cause"), [(found, cause) for found, causes in EXPLAINED_BY.items() for cause in sorted(causes)]
)
def test_what_another_finding_explains_is_left_out(found, cause):
    assert caused(found, cause) == [cause]


def test_what_nothing_explains_stands_beside_others():
    assert caused("loss-summed", "layer-frozen") == ["loss-summed", "layer-frozen"]
    assert caused("labels-unrelated", "rate-too-high") == ["labels-unrelated", "rate-too-high"]


def advice(name: str, trials: tuple[Trial, ...]) -> str:
    whole = {key: exact(value) for key, value in {**WHOLE, **CAUSES[name].get("whole", {})}.items()}
    layers = layers_of(DEPTH, **CAUSES[name].get("layers", {}))
    (found,) = findings(layers, whole, trials, signs(layers))
    assert found.advice.startswith(FINDINGS[name].advice)
    return found.advice.removeprefix(FINDINGS[name].advice)


@pytest.mark.parametrize(
    ("name", "gains", "said"),
    [
        ("no-normalisation", {"normalisation": 0.2, "skips": 0.3}, "skips gained 30 % of"),
        ("no-normalisation", {"normalisation": 0.4, "skips": 0.3}, "normalisation gained 40 % of"),
        ("no-normalisation", {"normalisation": 0.01, "skips": -1.0}, ""),
        ("no-normalisation", {"half-rate": 0.5}, ""),
        ("rate-too-high", {"half-rate": 1.5, "double-rate": 3.0}, "half rate gained 1.5 times"),
        ("rate-too-low", {"half-rate": 0.5, "double-rate": 0.25}, "double rate gained 25 % of"),
    ],
)
def test_advice_names_the_trial_that_helped_most(name, gains, said):
    expected = f" Tried: {said} the loss in 3 steps." if said else ""
    assert advice(name, tuple(trial(key, gain) for key, gain in gains.items())) == expected


def test_layers_are_counted():
    layers = layers_of(5)
    (found,) = findings(
        layers,
        {name: exact(value) for name, value in WHOLE.items()},
        (),
        signs(layers, still=("0", "1", "4")),
    )
    assert found.evidence == "The step of SGD does not change layers 0, 1, 4 at all."
    assert found.layers == ("0", "1", "4")


def test_evidence_has_the_numbers():
    layers = layers_of(dead_share=[0.0, 0.8, 0.0])
    whole = {name: exact(value) for name, value in WHOLE.items()}
    (found,) = findings(layers, whole, (), signs(layers))
    assert found.evidence == "80% of the units of 1 have no gradient for any example."
    assert found.sureness == "seen in 3 of 3 batches"
