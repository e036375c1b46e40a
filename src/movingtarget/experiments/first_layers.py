"""Experiment: what first layers are worth: moved alone, frozen at random, or moved for a part of training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import torch

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.layer_alone import alone, sizes
from movingtarget.networks import Parameters
from movingtarget.networks.chain import chain
from movingtarget.networks.described import Description
from movingtarget.networks.initialise import Weights
from movingtarget.networks.losses import member_losses
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    INITIAL_WEIGHTS,
    POSITIVES,
    SEARCH,
    SEEDS,
    STEPS,
    choice,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.statistics.rows import where
from movingtarget.study import Config, Job, Say, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.freezing import freeze_lowest
from movingtarget.training.interface import Batch
from movingtarget.training.loop import Training, train
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend, gradients_of
from movingtarget.training.tuned import Draw, start_of, train_tuned
from movingtarget.training.tuning import search_rows
from movingtarget.work import Data, Work

NETWORK = choice(*FAMILIES, "convolutional")


def jobs(config: Config) -> list[Job]:
    """One for each network."""
    settings = dict(config["first_layers"])
    return [
        Job(name, {"network": name, **settings}, tuple(family for family in FAMILIES if family == name))
        for name in settings.pop("networks")
    ]


def problems(config: Config) -> Iterator[str]:
    """What is frozen, switched, evaluated or measured must be there."""
    yield from problems_of_seeds("first_layers")(config)
    settings = config["first_layers"]
    if (most := max(settings["frozen"])) > settings["depth"]:
        yield f"first_layers.frozen has {most}; allowed: 0 to {settings['depth']}, first_layers.depth"
    if missing := {0, 1} - {*settings["frozen"]}:
        yield f"first_layers.frozen lacks {min(missing)}; allowed: lists with 0 and 1, for comparison"
    steps = settings["steps"]
    if (last := max(settings["changes"])) >= steps:
        yield f"first_layers.changes has {last}; allowed: 1 to {steps - 1}, before first_layers.steps"
    if (last := max(settings["measured_steps"])) > steps:
        yield f"first_layers.measured_steps has {last}; allowed: 0 to {steps}, first_layers.steps"
    pool = settings["training_images"]
    for key in ("batch_size", "evaluation_examples"):
        if settings[key] > pool:
            yield f"first_layers.{key} is {settings[key]}; allowed: 2 to {pool}, first_layers.training_images"


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search for every number of frozen layers, the schedules of the first, and each layer moved alone."""
    network = work.described(settings, data)
    layers, seeds, steps = len(network.layers) - 1, len(settings["seeds"]), settings["steps"]
    of_step = partial(work.step, network, examples=settings["batch_size"])
    of_look = work.scored(network, settings["evaluation_examples"])
    searches = sum(frozen <= layers for frozen in settings["frozen"])
    course = steps * of_step(seeds) + of_look(seeds)
    moved = (layers + 2) * work.forward(network, seeds, settings["held_out"] + settings["batch_size"])
    searched = searches * work.tuned(settings, steps, of_step, 1, of_look)
    courses = (2 * len(settings["changes"]) + 1) * course
    return work.total([searched, courses, len(settings["measured_steps"]) * moved])


STUDY = Study(
    rule="train_first_layers",
    settings={
        "seeds": SEEDS,
        "learning_rates": POSITIVES,
        "tuning_seeds": SEEDS,
        "hidden_width": COUNT,
        "depth": COUNT,
        "channels": {"type": "array", "minItems": 1, "items": COUNT},
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "training_images": of_training_images(2),
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "held_out": of_test_images(2),
        "frozen": STEPS,
        "changes": COUNTS,
        "measured_steps": STEPS,
        "networks": several(NETWORK),
    },
    tables={
        "first_layers": {
            "network": names_of(NETWORK),
            "schedule": ("frozen", "released", "stopped"),
            "layers": int,
            "change": int,
            "learning_rate": follows(float),
            "seed": int,
            "quantity": ("train_loss", "train_accuracy", "test_loss", "test_accuracy"),
            "value": MEASURED,
        },
        "first_layers_search": {"network": names_of(NETWORK), "layers": int, **SEARCH},
        "layer_alone": {
            "network": names_of(NETWORK),
            "learning_rate": follows(float),
            "step": int,
            "layer": int,
            "parameters": follows(int),
            "seed": int,
            "quantity": ("output_change", "change_per_parameter", "drop", "promise", "kept"),
            "value": MEASURED,
        },
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    problems=problems,
    work=counted,
)


def measure(
    images: Images,
    network: str,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    tuning_seeds: Sequence[int],
    hidden_width: int,
    depth: int,
    channels: Sequence[int],
    activation: str,
    initial_weights: Weights,
    training_images: int,
    batch_size: int,
    steps: int,
    evaluation_examples: int,
    held_out: int,
    frozen: Sequence[int],
    changes: Sequence[int],
    measured_steps: Sequence[int],
    say: Say = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Tables of one network: first_layers, first_layers_search and layer_alone.

    With its lowest layers frozen at random, as many as `frozen` says and the network has, at the best rate of
    each number; with its first layer released or stopped at each of the steps in `changes`, and, to compare,
    at 0 and at the end, all at the best rate of the whole network, whose layers are also moved one by one at
    `measured_steps`.
    """
    description = Description(network, hidden_width, depth, channels, activation, initial_weights)
    few = images._replace(
        train_inputs=images.train_inputs[:training_images], train_labels=images.train_labels[:training_images]
    )
    draw = partial(description.draw, few)
    training = Training(
        network=draw(0),
        rule=freeze_lowest(0),
        images=few,
        seeds=seeds,
        learning_rates=learning_rates,
        batch_size=batch_size,
        steps=steps,
        evaluation_steps=[steps],
        evaluation_examples=evaluation_examples,
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
        snapshot_steps=measured_steps,
    )
    tuned = {}
    for layers in [count for count in sorted(frozen) if count <= description.hidden_layers]:
        say(f"{layers} layers frozen")
        tuned[layers] = train_tuned(replace(training, rule=freeze_lowest(layers)), draw, tuning_seeds)
    whole = replace(training, learning_rates=[tuned[0].search.best])
    moved = layers_alone(whole, tuned[0].snapshots, measured_steps, held_out)
    scores = [
        final(found.table).assign(schedule="frozen", layers=layers, change=0)
        for layers, found in tuned.items()
    ]
    scores += scheduled(whole, draw, changes, always=final(tuned[0].table), say=say)
    searches = [search_rows(found.search, tuning_seeds, layers=layers) for layers, found in tuned.items()]
    tables = {"first_layers": scores, "first_layers_search": searches, "layer_alone": [moved]}
    return {name: pd.concat(parts).assign(network=network) for name, parts in tables.items()}


def final(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores at the end, of rows from the training loop: columns learning_rate, seed, quantity and value."""
    last = where(rows, step=rows["step"].max())
    return last.loc[last["quantity"] != "diverged", ["learning_rate", "seed", "quantity", "value"]]


def scheduled(
    training: Training, draw: Draw, changes: Sequence[int], always: pd.DataFrame, say: Say
) -> list[pd.DataFrame]:
    """Scores with the first layer released, or stopped, at each step of change, at 0 and at the end.

    Args:
        training: of which the rule alone is replaced.
        draw: makes a seed's network.
        changes: steps of change.
        always: scores of that training with a first layer that moves always.
        say: told of progress.
    """

    def scores(moving: range) -> pd.DataFrame:
        say(f"first layer moves in {len(moving)} steps from {moving.start}")
        held = replace(training, rule=freeze_lowest(1, moving))
        return final(pd.DataFrame(train(held, start_of(held, draw)).rows))

    steps, never = training.steps, scores(range(0))
    released = {0: always, **{step: scores(range(step, steps)) for step in changes}, steps: never}
    stopped = {0: never, **{step: scores(range(step)) for step in changes}, steps: always}
    return [
        of_change.assign(schedule=schedule, layers=1, change=change)
        for schedule, by_change in {"released": released, "stopped": stopped}.items()
        for change, of_change in by_change.items()
    ]


def layers_alone(
    training: Training, snapshots: Mapping[int, Parameters], steps: Sequence[int], held_out: int
) -> pd.DataFrame:
    """Rows of table layer_alone: what the next step of gradient descent does, of all layers (0) and of each.

    Args:
        training: of the members, at one learning rate, which is also that of the step.
        snapshots: their parameters by step.
        steps: after which the next one is measured.
        held_out: test images for which the outputs are looked at.
    """
    (rate,) = training.learning_rates
    links, inputs = chain(training.network), training.images.test_inputs[:held_out]
    counts = torch.tensor(sizes(links), device=inputs.device)
    training.network.train()
    rows = []
    for step in steps:
        before, batch = snapshots[step], next_minibatch(training, step)
        _, gradient = gradients_of(training.network, before, batch)
        after = {name: value.clone() for name, value in before.items()}
        descend(after, gradient, training.rates)
        moved = alone(links, before, after, gradient, batch, inputs, member_losses)
        measured = moved._asdict() | {
            "change_per_parameter": moved.output_change / counts[:, None],
            "kept": moved.drop / moved.promise,
        }
        rows += [
            {"step": step, "layer": layer, "parameters": size, "seed": seed}
            | {"quantity": quantity, "value": value}
            for quantity, of_layers in measured.items()
            for layer, (size, values) in enumerate(zip(counts.tolist(), of_layers.tolist(), strict=True))
            for seed, value in zip(training.seeds, values, strict=True)
        ]
    return pd.DataFrame(rows).assign(learning_rate=rate)


def next_minibatch(training: Training, step: int) -> Batch:
    """The minibatch of each seed that training goes on with after so many steps."""
    images = training.images
    epoch, place = divmod(step, training.steps_per_epoch)
    index = batches(len(images.train_labels), training.batch_size, training.seeds, epoch)[place]
    return Batch(images.train_inputs[index], images.train_labels[index])
