"""Results of probes, as a healthy network, three sick ones and an odd one might give them."""
# ruff: noqa: RUF001 (typographic minus signs)

import math

import numpy as np

from movingtarget.probing.result import Finding, Layer, Passes, Result, Trial
from movingtarget.statistics.bootstrap import Interval

NAN = np.nan


def around(estimate: float, spread: float = 0.1) -> Interval:
    """An interval whose ends are so many parts of the estimate away."""
    if math.isnan(estimate):
        return Interval(NAN, NAN, NAN)  # numpy's own, which equals itself within a tuple
    return Interval(estimate, estimate - spread * abs(estimate), estimate + spread * abs(estimate))


def times(estimate: float, factor: float) -> tuple[float, float]:
    return estimate / factor, estimate * factor


USUAL = {
    "weight_gain": (0.5, 1.6),
    "activation_size": (0.4, 2.0),
    "dead_share": (0.0, 0.1),
    "gradient_norm": (0.01, 0.4),
    "gradient_noise": (0.3, 2.0),
    "update_ratio": (3e-4, 5e-3),
    "kept_alone": (0.7, 1.0),
    "promise_share": (0.01, 0.6),
    "target_shift": (0.01, 0.3),
    "gradient_rank": (0.3, 0.9),
    "gradient_correlation": (0.02, 0.3),
    "information_kept": (0.7, 1.0),
}
USUAL_OF_WHOLE = {
    "loss": (0.5, 2.4),
    "promise": (0.002, 0.06),
    "kept": (0.5, 0.98),
    "kept_alone": (0.8, 1.0),
    "interaction": (0.02, 0.3),
    "matched_kept": (0.8, 1.0),
    "matched_interaction": (0.0, 0.1),
    "curvature": (5.0, 80.0),
    "step_curvature": (0.05, 0.6),
}
OF_BLOCKS = ("kept_alone", "promise_share", "target_shift")


def layer(name: str, kind: str = "Linear", parameters: int = 16512, **measured: float) -> Layer:
    """A layer with healthy values but for those given; without those that only moving it tells."""
    values = {
        **{
            "weight_gain": 1.4,
            "activation_size": 0.9,
            "dead_share": 0.03,
            "gradient_norm": 0.08,
            "gradient_noise": 0.8,
        },
        **{"update_ratio": 1.4e-3, "gradient_rank": 0.61, "gradient_correlation": 0.11},
        **{"information_kept": 0.93},
        **measured,
    }
    return Layer(
        name,
        kind,
        parameters,
        {quantity: around(value) for quantity, value in values.items()},
        {quantity: USUAL[quantity] for quantity in values},
    )


def block(layers: list[Layer], **measured: float) -> Layer:
    """The layers moved together."""
    values = {"kept_alone": 0.91, "promise_share": 0.2, "target_shift": 0.07, **measured}
    names = tuple(part.name for part in layers)
    return Layer(
        names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}",
        layers[0].kind if len(names) == 1 else "stretch",
        sum(part.parameters for part in layers),
        {quantity: around(value) for quantity, value in values.items()},
        {quantity: USUAL[quantity] for quantity in values},
        names if len(names) > 1 else (),
    )


def trials(**gains: float) -> tuple[Trial, ...]:
    spreads = {"as-it-is": Trial("as-it-is", 5, around(0.12, 0.3))}
    made = [
        Trial(name.replace("_", "-"), 5, around(0.12 + gain, 0.3), Interval(gain, gain - 0.03, gain + 0.03))
        for name, gain in gains.items()
    ]
    return (*spreads.values(), *made)


def whole(**measured: float) -> dict[str, Interval]:
    values = {
        **{"loss": 2.21, "promise": 0.021, "kept": 0.84, "kept_alone": 0.93, "interaction": 0.09},
        **{"matched_kept": 0.95, "matched_interaction": 0.03, "curvature": 21.3, "step_curvature": 0.17},
        **measured,
    }
    return {quantity: around(value) for quantity, value in values.items()}


def healthy() -> Result:
    """A small convolutional network, three layers; nothing is wrong."""
    layers = (
        layer("features.0", "Conv2d", 320, gradient_norm=0.21, activation_size=0.7, information_kept=0.98),
        layer("features.3", "Conv2d", 18_496, gradient_norm=0.14, target_shift=0.04),
        layer("classifier", "Linear", 31_370, gradient_norm=0.33, dead_share=0.0, information_kept=0.74),
    )
    blocks = tuple(
        block([one], promise_share=share) for one, share in zip(layers, (0.2, 0.3, 0.5), strict=True)
    )
    return Result(
        network="Convnet",
        parameters=50_186,
        layers=layers,
        blocks=blocks,
        whole=whole(),
        usual=USUAL_OF_WHOLE,
        likeness="a convolutional net of depth 3 with batch norm",
        trials=trials(
            half_rate=-0.051, double_rate=0.062, one_layer_at_a_time=-0.02, normalisation=0.01, skips=-0.004
        ),
        findings=(),
        optimiser="Adam",
        learning_rate=1e-3,
        batches=4,
        examples=128,
        passes=Passes(31, 28, 50),
    )


def too_fast() -> Result:
    """Six layers at a rate that overshoots: the loss grows without bound in a few steps."""
    layers = tuple(
        layer(f"{2 * place}", update_ratio=0.09 * 1.2**place, gradient_norm=0.2, target_shift=1.4)
        for place in range(6)
    )
    blocks = tuple(
        block([one], kept_alone=-0.4 * place, target_shift=1.1) for place, one in enumerate(layers)
    )
    gains = {
        "half_rate": 0.71,
        "double_rate": -3.1,
        "tenth_rate": 2.9,
        "one_layer_at_a_time": 1.6,
        "normalisation": 0.4,
    }
    failed = (
        Trial("skips", 0, None, None, "layers change width at every step"),
        Trial(
            "quadruple-rate",
            5,
            Interval(-math.inf, NAN, NAN),
            Interval(-math.inf, NAN, NAN),
            "loss was infinite",
        ),
    )
    return Result(
        network="Sequential",
        parameters=99_072,
        layers=layers,
        blocks=blocks,
        whole=whole(
            promise=1.9, kept=-2.3, interaction=2.7, kept_alone=0.4, step_curvature=9.1, curvature=310.0
        ),
        usual=USUAL_OF_WHOLE,
        likeness="",
        trials=(*trials(**gains), *failed),
        findings=(
            Finding(
                "rate-too-high",
                (),
                "The step keeps −2.3 [−2.5, −2.1] of its promise, usual are 0.5 to 0.98; scaled to promise "
                "1 % of the loss it keeps 0.95.",
                "seen in 4 of 4 batches",
                "Lower the learning rate: a tenth of it gained 290 % of the loss in 5 steps, half 71 %.",
            ),
        ),
        optimiser="SGD",
        learning_rate=2.0,
        batches=4,
        examples=128,
        passes=Passes(48, 44, 50),
        notes=(
            "curvature: by 12 products with the Hessian on one batch, so its interval is that of the start",
        ),
    )


def cut() -> Result:
    """A transformer of twenty layers, one of which no gradient reaches; dead units in two others."""
    parts = ("attention.in_proj", "attention.out_proj", "feedforward.0", "feedforward.2")
    names = ["embedding.tokens", "embedding.positions"]
    names += [f"encoder.layers.{number}.{part}" for number in range(4) for part in parts]
    names += ["norm", "head"]
    cut_off = {"gradient_norm": 0.0, "update_ratio": 0.0, "gradient_correlation": NAN}
    sick = dict.fromkeys(names[:2], cut_off)
    sick |= {name: {"dead_share": 0.71, "gradient_norm": 0.002} for name in names[7:9]}
    layers = tuple(
        layer(
            name,
            "Embedding" if "embedding" in name else "LayerNorm" if name == "norm" else "Linear",
            16_512,
            **{
                "gradient_norm": 0.05 * 1.1**place,
                "activation_size": 0.8 + 0.02 * place,
                **sick.get(name, {}),
            },
        )
        for place, name in enumerate(names)
    )
    return Result(
        network="TransformerForClassification",
        parameters=1_204_234,
        layers=layers,
        blocks=tuple(block([one]) for one in layers),
        whole=whole(curvature=NAN),
        usual=USUAL_OF_WHOLE,
        likeness="a transformer of 4 blocks",
        trials=trials(half_rate=-0.03, double_rate=0.05, without_the_cut=0.11),
        findings=(
            Finding(
                "gradients-cut",
                tuple(names[:2]),
                "The gradient is exactly zero in every batch, yet other weights change the outputs by 43 %.",
                "seen in 4 of 4 batches",
                "Look for detach, no_grad, item or a conversion to numpy above embedding.positions.",
            ),
            Finding(
                "dead-rectifiers",
                tuple(names[7:9]),
                "71 % [64, 78] of units have no gradient for any of 512 examples; usual are at most 10 %.",
                "seen in 3 of 4 batches",
                "Smaller biases or steps, a leaky rectifier, or normalisation below the rectifier.",
            ),
        ),
        optimiser="AdamW",
        learning_rate=3e-4,
        batches=4,
        examples=64,
        passes=Passes(50, 47, 50),
        notes=(
            "curvature: attention by its fused kernel has no second derivative",
            "information kept: of 64 examples at most 6 bits can be told apart",
        ),
    )


def deep() -> Result:
    """Forty layers without normalisation or skips, long names, moved in stretches of four."""
    names = [f"backbone.stages.{place // 10}.blocks.{place % 10}.convolution_<3x3>" for place in range(39)]
    names.append("classifier & head")
    layers = tuple(
        layer(
            name,
            "Conv2d",
            36_928,
            gradient_norm=0.3 * 0.55 ** (39 - place),
            activation_size=1.1 * 0.93**place,
            update_ratio=1.2e-3 * 0.8 ** (39 - place),
            gradient_correlation=0.2 * 0.9 ** (39 - place),
            gradient_rank=0.9 - 0.005 * place,
            information_kept=0.98 * 0.97**place,
            dead_share=min(0.5, 0.02 * place),
        )
        for place, name in enumerate(names)
    )
    blocks = tuple(block(list(layers[start : start + 4]), promise_share=0.1) for start in range(0, 40, 4))
    return Result(
        network="DeepPlainConvolutionalNetworkWithoutAnySkips",
        parameters=1_477_120,
        layers=layers,
        blocks=blocks,
        whole=whole(promise=0.0002, kept=0.998, interaction=0.0011),
        usual=USUAL_OF_WHOLE,
        likeness="a plain net of depth 50",
        trials=(
            *trials(
                normalisation=0.22, skips=0.19, double_rate=0.02, half_rate=-0.04, one_layer_at_a_time=-0.07
            ),
            Trial("leaky-rectifiers", 0, None, None, "passes were spent"),
        ),
        findings=(
            Finding(
                "no-normalisation",
                tuple(names[:24]),
                "The correlation of gradients falls from 0.2 at the top to 0.0033 [0.0029, 0.0036] at the "
                "bottom, and their norm by a factor of 10¹⁰; usual are at most 30.",
                "seen in 4 of 4 batches",
                "Put in normalisation: it gained 22 % [19, 25] of the loss in 5 steps; skips "
                "gained 19 % [16, 22].",
            ),
            Finding(
                "initial-scale",
                tuple(names[30:]),
                "Outputs shrink by 7 % from each layer to the next, from 1.1 to 0.065.",
                "seen in 4 of 4 batches",
                "Draw weights with a variance of 2 / inputs.",
            ),
            Finding(
                "dead-rectifiers",
                tuple(names[25:]),
                "At most 50 % [45, 55] of units are dead; usual are at most 10 %.",
                "seen in 2 of 4 batches",
                "Smaller biases or steps, a leaky rectifier, or normalisation below the rectifier.",
            ),
            Finding(
                "rate-too-low",
                (),
                "The step keeps 0.998 of its promise, which is 0.02 % of the loss; usual are 0.2 to 6 %.",
                "seen in 4 of 4 batches",
                "Raise the learning rate: double it gained 2 % [−1, 5] of the loss.",
            ),
        ),
        optimiser="SGD",
        learning_rate=0.01,
        batches=4,
        examples=128,
        passes=Passes(50, 50, 50),
        notes=(
            "kept alone, target moves: moved in stretches of 4, as passes were too few for each layer",
            "leaky-rectifiers: not tried, passes were spent",
            "information kept: estimated of the first 512 examples",
        ),
    )


def odd() -> Result:
    """One layer that was hardly measured, on one batch, with a name that is markup."""
    single = Layer("<script>alert('&')</script>", "Custom", 1, {"gradient_norm": Interval(NAN, NAN, NAN)})
    return Result(
        network="<b>Odd</b>",
        parameters=1,
        layers=(single,),
        blocks=(),
        whole={"loss": Interval(math.inf, NAN, NAN), "kept": Interval(0.5, NAN, NAN)},
        usual={},
        likeness="",
        trials=(),
        findings=(
            Finding("layer-frozen", (single.name,), "A step of <0>.", "seen in 1 of 1 batch", "Set it."),
        ),
        optimiser="SGD",
        learning_rate=0.1,
        batches=1,
        examples=2,
        passes=Passes(3, 2, 50),
    )


RESULTS = {made.__name__: made() for made in (healthy, too_fast, cut, deep, odd)}
