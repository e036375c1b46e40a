"""Experiment: do smaller rates for early layers help where they were proposed, in fine-tuning?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import nn

from movingtarget import work
from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random, stack
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVE,
    SEARCH,
    STEPS,
    TUNED,
    names_of,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.fine_tuning import (
    Tuned,
    few_examples,
    fine_tune,
    hold_out,
    of_classes,
    on_top_of,
)
from movingtarget.training.freezing import train_last_layer
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.layer_rates import layer_rates
from movingtarget.training.loop import Training, train
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import start_of, train_tuned
from movingtarget.training.tuning import Search, search, search_rows
from movingtarget.work import Data, Work

STARTS = ("pretrained", "scratch")
RATES = ("smaller-early", "slightly-smaller-early", "equal", "smaller-late", "last-layer")


def jobs(config: Config) -> list[Job]:
    """One for each family."""
    settings = dict(config["fine_tuning"])
    return [
        Job(network, {"network": network, **settings}, (network,)) for network in settings.pop("networks")
    ]


def problems(config: Config) -> Iterator[str]:
    """There are classes to pretrain on and classes left, and examples of them."""
    settings, dataset = config["fine_tuning"], dataset_named(config["dataset"])
    yield from problems_of_seeds("fine_tuning")(config)
    chosen = settings["pretraining_classes"]
    if problem := next(_problems_of_classes(chosen, dataset.classes, dataset.name), None):
        yield problem
        return
    left = [size for number, size in enumerate(dataset.class_sizes) if number not in chosen]
    for key, most in {"examples": min(left), "validation_examples": sum(left) - 1}.items():
        if settings[key] > most:
            yield (
                f"fine_tuning.{key} is {settings[key]}; "
                f"allowed: 1 to {most}, of the classes of {dataset.name} left to fine-tune on"
            )


def _problems_of_classes(chosen: Sequence[int], classes: int, name: str) -> Iterator[str]:
    if other := [one for one in chosen if one >= classes]:
        yield f"fine_tuning.pretraining_classes has {other[0]}; allowed: 0 to {classes - 1}, those of {name}"
    elif not 2 <= len(chosen) <= classes - 2:
        yield (
            f"fine_tuning.pretraining_classes has {len(chosen)} of the {classes} classes of {name}; allowed: "
            "two at least, and two at least left to fine-tune on"
        )


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Pretraining of both kinds of seeds; for either start and all rates a search and the tested seeds."""
    width, depth, classes = settings["hidden_width"], settings["depth"], data.classes
    network = work.perceptron(settings["network"], data.pixels, width, depth, classes)
    left = 1 - len(settings["pretraining_classes"]) / classes
    few, validation = left * classes * settings["examples"], settings["validation_examples"]
    of_step = partial(work.step, network, examples=few)
    seeds, searched = len(settings["seeds"]), work.tried(settings) * len(settings["tuning_seeds"])
    pretrained = work.tuned(
        settings,
        settings["pretraining_steps"],
        partial(work.step, network, examples=settings["batch_size"]),
        2,
        work.scored(network, validation),
    )
    tuning = 3 * settings["steps"] * of_step(searched / 3) + work.forward(network, searched, validation)
    tested = settings["steps"] * of_step(seeds) + work.forward(network, seeds, left * data.test_images)
    return pretrained + len(STARTS) * len(RATES) * work.total([tuning, tested])


STUDY = Study(
    rule="train_fine_tuning",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "depth": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "pretraining_classes": STEPS,
        "batch_size": of_training_images(2),
        "pretraining_steps": COUNT,
        "examples": of_training_images(1),
        "steps": COUNT,
        "factor": POSITIVE,
        "slight_factor": POSITIVE,
        "validation_examples": of_training_images(1),
        "networks": several(FAMILY),
    },
    tables={
        "fine_tuning": {
            "network": names_of(FAMILY),
            "start": STARTS,
            "rates": RATES,
            "learning_rate": follows(float),
            "seed": int,
            "layer": int,
            "quantity": ("train_loss", "test_loss", "test_accuracy", "movement_share"),
            "value": MEASURED,
        },
        "pretraining_search": {"network": names_of(FAMILY), **SEARCH},
        "fine_tuning_search": {
            "network": names_of(FAMILY),
            "start": STARTS,
            "rates": RATES,
            **{name if name != "train_loss" else "error": kind for name, kind in SEARCH.items()},
        },
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    problems=problems,
    work=counted,
)


class Task(NamedTuple):
    """What a family is fine-tuned on.

    Attributes:
        architecture: of the fine-tuned network.
        first: the classes of pretraining.
        second: the others, with test images.
        held: the others, held-out examples in the place of the test images.
    """

    architecture: Architecture
    first: Images
    second: Images
    held: Images


def measure(
    images: Images,
    network: str,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    learning_rates: Sequence[float],
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables fine_tuning, fine_tuning_search and pretraining_search of one family.

    A network is trained on some classes; then it gets a new output layer and goes on with few examples of
    the other classes, all of them at every step. Beside it the same initial weights start from scratch.
    Learning rates are searched for with other seeds: that of pretraining for the lowest training loss, those
    of fine-tuning, where the loss on few examples is soon zero at many rates, for the lowest share of wrong
    answers on training images that are held out.

    Args:
        images: the data.
        network: the family.
        seeds: of the weights, the order of pretraining and the few examples.
        tuning_seeds: those of the searches.
        learning_rates: every search starts from these.
        say: called with lines of progress.
        settings: others of the study.

    Raises:
        ValueError: a half has fewer than two classes, or a class fewer examples than are wanted.
    """
    task, rules = _task(images, network, settings), _rules(settings["factor"], settings["slight_factor"])
    say(f"{network}, pretraining")
    pretrained, searched = _pretrained(task, seeds, tuning_seeds, learning_rates, settings, say)
    starts = {
        of: {"pretrained": on_top_of(trained, fresh), "scratch": fresh}
        for of, trained in pretrained.items()
        for fresh in [stack(build_random(task.architecture, seed).to(images.device) for seed in of)]
    }
    frames, searches = [], []
    for start, (rates, rule) in product(STARTS, rules.items()):
        say(f"{network}, {start}, {rates}")
        found = _search(
            task, rule, starts[tuple(tuning_seeds)][start], tuning_seeds, learning_rates, settings
        )
        searches.append(_search_rows(found, tuning_seeds, network, start, rates))
        tuned = _tune(task, rule, starts[tuple(seeds)][start], seeds, [found.best], settings, task.second)
        rows = pd.DataFrame(_rows(tuned, seeds))
        frames.append(rows.assign(network=network, start=start, rates=rates, learning_rate=found.best))
    return {
        "fine_tuning": pd.concat(frames),
        "fine_tuning_search": pd.concat(searches),
        "pretraining_search": searched.assign(network=network),
    }


def _task(images: Images, network: str, settings: Mapping[str, Any]) -> Task:
    chosen = settings["pretraining_classes"]
    for problem in _problems_of_classes(chosen, images.classes, "the data"):
        raise ValueError(problem)
    others = [one for one in range(images.classes) if one not in chosen]
    second = of_classes(images, others)
    architecture = Architecture(
        family=network,
        inputs=images.features,
        width=settings["hidden_width"],
        depth=settings["depth"],
        outputs=len(others),
        activation=settings["activation"],
        initial_weights=settings["initial_weights"],
    )
    examples = settings["validation_examples"]
    return Task(architecture, of_classes(images, chosen), second, hold_out(second, examples))


def _rules(factor: float, slight_factor: float) -> dict[str, UpdateRule]:
    """In the order of `RATES`."""
    falling = [layer_rates(by, reverse=False) for by in (factor, slight_factor)]
    rules = (*falling, simultaneous, layer_rates(factor, reverse=True), train_last_layer)
    return dict(zip(RATES, rules, strict=True))


def _pretrained(
    task: Task,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    learning_rates: Sequence[float],
    settings: Mapping[str, Any],
    say: Callable[[str], None],
) -> tuple[dict[tuple[int, ...], Parameters], pd.DataFrame]:
    """Trained parameters of both sets of seeds at the rate that the latter have chosen, and the search."""
    steps = settings["pretraining_steps"]
    architecture = replace(task.architecture, outputs=task.first.classes)
    draw = partial(build_random, architecture)
    plan = Training(
        network=build(architecture),
        rule=simultaneous,
        images=task.first,
        seeds=seeds,
        learning_rates=learning_rates,
        batch_size=settings["batch_size"],
        steps=steps,
        evaluation_steps=[steps],
        evaluation_examples=settings["validation_examples"],
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
        snapshot_steps=[steps],
    )
    tuned = train_tuned(plan, draw, tuning_seeds, say=say)
    other = replace(plan, seeds=tuning_seeds, learning_rates=[tuned.search.best])
    parameters = train(other, start_of(other, draw), say=say).parameters
    trained = {tuple(seeds): tuned.snapshots[steps], tuple(tuning_seeds): parameters}
    return trained, search_rows(tuned.search, tuning_seeds)


def _search(
    task: Task,
    rule: UpdateRule,
    start: Parameters,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    settings: Mapping[str, Any],
) -> Search:
    """The rate with the lowest share of wrong answers on held-out training images."""

    def errors_at(rates: list[float]) -> Any:
        tuned = _tune(task, rule, start, seeds, rates, settings, task.held)
        return (1 - tuned.held.accuracy).view(len(rates), len(seeds)).cpu().numpy()

    return search(errors_at, learning_rates)


def _tune(
    task: Task,
    rule: UpdateRule,
    start: Parameters,
    seeds: Sequence[int],
    rates: Sequence[float],
    settings: Mapping[str, Any],
    judged: Images,
) -> Tuned:
    """Fine-tune a member for each pair of a rate and a seed, and score it on the test images of `judged`."""
    network: nn.Module = build(task.architecture)
    few = few_examples(task.held, settings["examples"], seeds)
    times = len(rates)
    repeated = {name: value.repeat(times, *[1] * (value.dim() - 1)) for name, value in start.items()}
    batch = Batch(few.inputs.repeat(times, 1, 1), few.labels.repeat(times, 1))
    each = torch.tensor(rates, device=judged.device).repeat_interleave(len(seeds))
    held = judged.test_inputs, judged.test_labels
    return fine_tune(network, repeated, batch, rule, each, settings["steps"], held)


def _rows(tuned: Tuned, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each quantity, layer and seed; layer 0 is the whole network."""
    measured = [
        ("train_loss", 0, tuned.train_loss),
        ("test_loss", 0, tuned.held.loss),
        ("test_accuracy", 0, tuned.held.accuracy),
        *(("movement_share", layer, share) for layer, share in enumerate(tuned.movement, 1)),
    ]
    return [
        {"quantity": quantity, "layer": layer, "seed": seed, "value": value}
        for quantity, layer, values in measured
        for seed, value in zip(seeds, values.tolist(), strict=True)
    ]


def _search_rows(found: Search, seeds: Sequence[int], network: str, start: str, rates: str) -> pd.DataFrame:
    rows = search_rows(found, seeds, network=network, start=start, rates=rates)
    return rows.rename(columns={"train_loss": "error"})
