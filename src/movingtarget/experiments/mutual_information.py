"""Experiment: how much successive layers share, by structure and by initial weights, and how they learn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import pandas as pd
from torch import nn

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.estimators import ESTIMATORS, estimated
from movingtarget.families import FAMILIES
from movingtarget.measures.mutual_information.successive import Pair, Reading, permuted, read, successive
from movingtarget.networks import Architecture, build, build_random
from movingtarget.networks.dials import turn
from movingtarget.settings import (
    ACTIVATION,
    AS_DRAWN,
    COUNT,
    DIALLED,
    FAMILY,
    POSITIVE,
    POSITIVES,
    SCALINGS,
    SEARCH,
    STEPS,
    TUNED,
    at_least,
    choice,
    mapping,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.statistics.rows import where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.loop import Training
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import train_tuned
from movingtarget.training.tuning import search_rows
from movingtarget.work import NOTHING, Data, Work

NOISE = {"type": "number", "minimum": 0.001}
"""Below it a layer of low rank cannot be told from one that follows linearly from another."""

MAP_UNITS = 16
"""Of one channel of network patch-convolution."""

MAIN = "gaussian"
"""The estimator that reads every pair of layers; others read the middle one."""

ARM: dict[str, Any] = {
    "network": names_of(FAMILY),
    "dial": (AS_DRAWN, *DIALLED),
    "setting": float,
    "activation": names_of(ACTIVATION),
    "depth": int,
}
"""Columns that name an arm."""


def jobs(config: Config) -> list[Job]:
    """One for each network and activation, and one for each dial and activation."""
    settings = dict(config["mutual_information"])
    networks, activations, depths, dials, dialled_depths = (
        settings.pop(key) for key in ("networks", "activations", "depths", "dials", "dialled_depths")
    )
    kinds = [(network, network, AS_DRAWN, [1.0], depths) for network in networks]
    kinds += [(dial, DIALLED[dial], dial, values, dialled_depths) for dial, values in dials.items()]
    names = ("network", "dial", "dial_settings", "depths")
    return [
        Job(
            f"{name}-{activation}",
            {**dict(zip(names, kind, strict=True)), "activation": activation, **settings},
            families=(kind[0],),
            estimators=(MAIN, *settings["estimators"]),
        )
        for name, *kind in kinds
        for activation in activations
    ]


def problems(config: Config) -> Iterator[str]:
    """What is measured must be there, and what would be trained twice must not."""
    yield from problems_of_seeds("mutual_information")(config)
    for key, given, allowed in _misfits(config["mutual_information"]):
        yield f"mutual_information.{key} {given}; allowed: {allowed}"


def _misfits(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Key, what is wrong with it, and what is allowed."""
    width, steps, noises, dials = (settings[key] for key in ("hidden_width", "steps", "noises", "dials"))
    doubled = any(FAMILIES[name].activation == "crelu" for name in settings["networks"])
    units = 2 * width * (2 if doubled else 1)
    if settings["examples"] <= units:
        allowed = f"{units + 1} or more, more than two layers have units; better 20 for each unit"
        yield "examples", f"is {settings['examples']}", allowed
    if "patch-convolution" in settings["networks"] and width % MAP_UNITS:
        yield "hidden_width", f"is {width}", f"multiples of {MAP_UNITS} with network patch-convolution"
    if settings["curve_window"] > steps:
        yield "curve_window", f"is {settings['curve_window']}", f"1 to {steps}, mutual_information.steps"
    if settings["noise"] not in noises:
        yield "noise", f"is {settings['noise']}", f"one of noises, {', '.join(map(str, noises))}"
    if 0 not in settings["measured_steps"]:
        yield "measured_steps", "lacks 0", "lists with 0, the start"
    if (last := max(settings["measured_steps"])) > steps:
        yield "measured_steps", f"has {last}", f"0 to {steps}, mutual_information.steps"
    for rank in dials["rank"]:
        if rank >= width or rank % 1:
            yield "dials.rank", f"has {rank}", f"whole numbers below {width}, hidden_width"
    for dial in ("gain", "branch"):
        if 1 in dials[dial]:
            yield f"dials.{dial}", "has 1", f"other numbers; with 1 it is network {DIALLED[dial]}"
    for depth in settings["dialled_depths"]:
        if depth not in settings["depths"]:
            yield "dialled_depths", f"has {depth}", "some of mutual_information.depths"
    for network in ("plain", "residual", *DIALLED.values()):
        if network not in settings["networks"]:
            yield "networks", f"lacks {network}", "lists with it, for comparison"


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search, training and readings of every arm: of the middle pair by all estimators, at the start."""
    width, examples, seeds = settings["hidden_width"], settings["examples"], len(settings["seeds"])
    as_drawn = settings["dial"] == AS_DRAWN
    main, found = estimated([MAIN], examples, width), NOTHING
    middle = estimated(settings["estimators"], examples, width)
    for depth in settings["depths"]:
        network = work.perceptron(settings["network"], data.pixels, width, depth, data.classes)
        pairs = len(chosen(depth, settings["layers"])) if as_drawn else 1
        later = (len(settings["measured_steps"]) + 1) * pairs if as_drawn else 0
        readings = pairs * len(settings["noises"]) * len(SCALINGS) + later
        found += work.tuned(
            settings,
            settings["steps"],
            partial(work.step, network, examples=settings["batch_size"]),
            len(settings["measured_steps"]) + 1,
            work.scored(network, settings["evaluation_examples"]),
        )
        found += len(settings["measured_steps"]) * work.read(network, seeds, examples)
        found += seeds * (readings * main + middle)
    return len(settings["dial_settings"]) * found


STUDY = Study(
    rule="measure_mutual_information",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "curve_window": COUNT,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "threshold": POSITIVE,
        "networks": several(FAMILY),
        "activations": several(ACTIVATION),
        "depths": several(at_least(2)),
        "dials": mapping(dict.fromkeys(DIALLED, POSITIVES)),
        "dialled_depths": several(at_least(2)),
        "examples": {**of_training_images(), **of_test_images(3)},
        "noises": several(NOISE),
        "noise": NOISE,
        "layers": COUNT,
        "measured_steps": STEPS,
        "estimators": several(choice(*(name for name in ESTIMATORS if name != MAIN))),
    },
    tables={
        "mutual_information": {
            **ARM,
            "seed": int,
            "step": int,
            "layer": int,
            "relation": ("layers", "branch", "permuted"),
            "estimator": tuple(ESTIMATORS),
            "noise": float,
            "scaling": SCALINGS,
            "value": MEASURED,
            "ceiling": MEASURED,
            "saturated": follows(int),
        },
        "information_training": {
            **ARM,
            "learning_rate": follows(float),
            "seed": int,
            "step": int,
            "quantity": ("train_loss", "test_accuracy", "steps", "reached", "scale"),
            "value": MEASURED,
        },
        "mutual_information_search": {**ARM, **SEARCH},
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    resumable=True,
    problems=problems,
    work=counted,
)

Records = dict[str, list[dict[Any, Any]]]
"""Rows of each table, to be kept where code must not be."""


def measure(
    images: Images,
    network: str,
    dial: str,
    dial_settings: Sequence[float],
    depths: Sequence[int],
    kept: dict[str, Records] | None = None,
    keep: Callable[[dict[str, Records]], None] = lambda done: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """The study's tables of one network: trained at its own best rate at every depth, and read on the way.

    Args:
        images: the data; layers are read on the first test images.
        network: the family.
        dial: of its initial weights, or "none".
        dial_settings: where the dial is set.
        depths: hidden layers.
        kept: records that an earlier run has made, by arm.
        keep: called with the records made so far, after each arm.
        say: called with lines of progress.
        settings: others of the study.
    """
    done = dict(kept or {})
    for setting, depth in product(dial_settings, depths):
        name = f"{network}, {dial} {setting:g}, depth {depth}"
        if name not in done:
            say(name)
            arm = {"network": network, "dial": dial, "setting": float(setting), "depth": depth}
            done[name] = measure_arm(images, arm, settings)
            keep(done)
    return {
        table: pd.DataFrame([row for records in done.values() for row in records[table]])
        for table in STUDY.tables
    }


def measure_arm(images: Images, arm: Mapping[str, Any], settings: Mapping[str, Any]) -> Records:
    """Records of one arm, by table."""
    training, draw = plan_of(images, arm, settings)
    tuned = train_tuned(training, draw, settings["tuning_seeds"])
    train_inputs, test_inputs = (
        inputs[: settings["examples"]] for inputs in (images.train_inputs, images.test_inputs)
    )
    rows: list[dict[str, Any]] = []
    for step, members in tuned.snapshots.items():
        pairs = successive(training.network, members, train_inputs, test_inputs)
        rows += [row | {"step": step} for row in read_all(pairs, step, arm, settings)]
        if step == 0:
            scale = scales(pairs, arm["depth"], settings["seeds"])
    tables = {
        "mutual_information": pd.DataFrame(rows),
        "information_training": pd.concat([learning(tuned.table, settings), scale]).assign(
            learning_rate=tuned.search.best
        ),
        "mutual_information_search": search_rows(tuned.search, settings["tuning_seeds"]),
    }
    named = {**arm, "activation": settings["activation"]}
    return {table: frame.assign(**named).to_dict("records") for table, frame in tables.items()}


def plan_of(
    images: Images, arm: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Training, Callable[[int], nn.Module]]:
    """How an arm is trained, and what draws its networks; learning rates are those its search starts with."""
    sizes = images.features, settings["hidden_width"], arm["depth"], images.classes
    architecture = Architecture(arm["network"], *sizes, settings["activation"])

    def draw(seed: int) -> nn.Module:
        network = build_random(architecture, seed)
        return network if arm["dial"] == AS_DRAWN else turn(network, arm["dial"], arm["setting"])

    training = Training(
        network=build(architecture),
        rule=simultaneous,
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=settings["batch_size"],
        steps=settings["steps"],
        evaluation_steps=[*settings["measured_steps"], settings["steps"]],
        evaluation_examples=settings["evaluation_examples"],
        curve_window=settings["curve_window"],
        snapshot_steps=settings["measured_steps"],
    )
    return training, draw


def read_all(
    pairs: Sequence[Pair], step: int, arm: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Records of all that is read at a step.

    At the start every estimator reads the middle pair, the Gaussian one through every noise and at both
    scalings. Of networks as drawn it also reads evenly spaced pairs, then and later, and, at the start,
    branches and permuted layers.
    """
    noise, seeds, depth = [settings["noise"]], settings["seeds"], arm["depth"]
    drawn, usual = arm["dial"] == AS_DRAWN, Reading([MAIN], noise, SCALINGS[:1])
    places = chosen(depth, settings["layers"]) if drawn else [middle_of(depth)]
    layers = [pair for pair in pairs if pair.layer in places and pair.relation == "layers"]
    if step > 0:
        yield from read(layers if drawn else [], usual, seeds)
        return
    yield from read(layers, Reading([MAIN], settings["noises"], SCALINGS), seeds)
    middle = [pair for pair in layers if pair.layer == middle_of(depth)]
    yield from read(middle, usual._replace(estimators=settings["estimators"]), seeds)
    if drawn:
        branches = [pair for pair in pairs if pair.layer in places and pair.relation == "branch"]
        yield from read([*branches, *map(permuted, layers)], usual, seeds)


def chosen(depth: int, count: int) -> list[int]:
    """Evenly spaced lower layers of pairs, from 1 to depth - 1, the middle one among them.

    >>> chosen(4, 7), chosen(32, 7)
    ([1, 2, 3], [1, 6, 11, 16, 21, 26, 31])
    """
    gaps = max(1, count - 1)
    return sorted({middle_of(depth), *(1 + round(place * (depth - 2) / gaps) for place in range(count))})


def middle_of(depth: int) -> int:
    """The lower layer of the middle pair."""
    return depth // 2


def scales(pairs: Sequence[Pair], depth: int, seeds: Sequence[int]) -> pd.DataFrame:
    """How large the middle layer's activations are: the logarithm of their root mean square, by seed."""
    (middle,) = (pair for pair in pairs if (pair.layer, pair.relation) == (middle_of(depth), "layers"))
    sizes = middle.below.double().square().mean((-2, -1)).sqrt().log()
    return pd.DataFrame({"seed": seeds, "step": 0, "quantity": "scale", "value": sizes.tolist()})


def learning(table: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of table information_training of one arm, from those of the training loop.

    Losses and accuracies at the measured steps and the last; and there the steps to the threshold: the end
    of the first window whose mean minibatch loss is at or below it, or, if none is, the last step.
    """
    last, scores = settings["steps"], table[table["quantity"].isin(["train_loss", "test_accuracy"])]
    curve = where(table, quantity="batch_loss")
    steps = curve["step"].where(curve["value"] <= settings["threshold"]).groupby(curve["seed"]).min()
    ends = [
        values.rename("value").reset_index().assign(quantity=quantity, step=last)
        for quantity, values in {"steps": steps.fillna(last), "reached": steps.notna().astype(float)}.items()
    ]
    return pd.concat([scores, *ends])[["seed", "step", "quantity", "value"]]
