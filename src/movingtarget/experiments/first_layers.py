"""Experiment: what first layers are worth: moved alone, frozen at random, or moved for a part of training."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import pandas as pd
import torch

from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.layer_alone import alone, sizes
from movingtarget.networks import Parameters, stack
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
    several,
)
from movingtarget.study import Config, Job, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.freezing import freeze_lowest
from movingtarget.training.interface import Batch
from movingtarget.training.loop import State, Training, start, train
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend, gradients_of
from movingtarget.training.tuning import search, search_rows

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
    problems=problems,
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How the members of one network are trained, whatever is frozen.

    Attributes:
        description: of the network.
        images: of which the training images are all that is trained on.
        batch_size: of a minibatch.
        steps: of training.
        evaluation_examples: the first of each kind, for scores at the end.
    """

    description: Description
    images: Images
    batch_size: int
    steps: int
    evaluation_examples: int

    def run(
        self,
        layers: int,
        seeds: Sequence[int],
        rates: Sequence[float],
        moving: range = range(0),
        snapshot_steps: Sequence[int] = (),
    ) -> State:
        """Train every seed at every rate, the lowest `layers` layers standing still but in steps `moving`."""
        training = Training(
            network=self.description.draw(self.images, 0),
            rule=freeze_lowest(layers, moving),
            images=self.images,
            seeds=seeds,
            learning_rates=rates,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluation_steps=[self.steps],
            evaluation_examples=self.evaluation_examples,
            curve_window=self.steps + 1,  # longer than the run: no curve of minibatch losses
            snapshot_steps=snapshot_steps,
        )
        drawn = (self.description.draw(self.images, seed) for _, seed in training.members)
        return train(training, start(stack(drawn)))

    def final(self, state: State) -> pd.DataFrame:
        """Scores at the end: columns learning_rate, seed, quantity and value."""
        rows = pd.DataFrame(state.rows)
        scores = rows[(rows["step"] == self.steps) & (rows["quantity"] != "diverged")]
        return scores[["learning_rate", "seed", "quantity", "value"]]

    def losses(self, layers: int, seeds: Sequence[int], rates: list[float]) -> Any:
        """Training losses at the end, `(rates, seeds)`."""
        scores = self.final(self.run(layers, seeds, rates))
        losses = scores[scores["quantity"] == "train_loss"]["value"]
        return losses.to_numpy().reshape(len(rates), len(seeds))


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
    plan = Plan(description, few, batch_size, steps, evaluation_examples)
    scores, searches, best = [], [], {}
    for layers in [count for count in sorted(frozen) if count <= description.hidden_layers]:
        say(f"{layers} layers frozen")
        found = search(partial(plan.losses, layers, tuning_seeds), learning_rates)
        searches.append(search_rows(found, tuning_seeds, layers=layers))
        best[layers] = found.best
        state = plan.run(layers, seeds, [found.best], snapshot_steps=measured_steps if layers == 0 else ())
        scores.append(plan.final(state).assign(schedule="frozen", layers=layers, change=0))
        if layers == 0:
            moved = layers_alone(plan, state.snapshots, measured_steps, seeds, found.best, held_out)
    scores += scheduled(plan, seeds, changes, best[0], always=scores[0], say=say)
    tables = {"first_layers": scores, "first_layers_search": searches, "layer_alone": [moved]}
    return {name: pd.concat(parts).assign(network=network) for name, parts in tables.items()}


def scheduled(
    plan: Plan, seeds: Sequence[int], changes: Sequence[int], rate: float, always: pd.DataFrame, say: Say
) -> list[pd.DataFrame]:
    """Scores with the first layer released, or stopped, at each step of change, at 0 and at the end.

    Args:
        plan: of the trainings.
        seeds: trained.
        changes: steps of change.
        rate: of all trainings.
        always: scores at that rate of a first layer that moves always.
        say: told of progress.
    """
    never = plan.final(plan.run(1, seeds, [rate]))
    ends = {"released": {0: always, plan.steps: never}, "stopped": {0: never, plan.steps: always}}
    rows = []
    for schedule, at_ends in ends.items():
        between = {}
        for change in sorted(changes):
            say(f"first layer {schedule} at step {change}")
            moving = range(change) if schedule == "stopped" else range(change, plan.steps)
            between[change] = plan.final(plan.run(1, seeds, [rate], moving))
        for change, scores in {**at_ends, **between}.items():
            rows.append(scores.assign(schedule=schedule, layers=1, change=change))
    return rows


def layers_alone(
    plan: Plan,
    snapshots: dict[int, Parameters],
    steps: Sequence[int],
    seeds: Sequence[int],
    rate: float,
    held_out: int,
) -> pd.DataFrame:
    """Rows of table layer_alone: what the next step of gradient descent does, of all layers (0) and of each.

    Args:
        plan: that the members were trained by.
        snapshots: their parameters by step.
        steps: after which the next one is measured.
        seeds: of the members.
        rate: that they were trained at, and of the step.
        held_out: test images for which the outputs are looked at.
    """
    network = plan.description.draw(plan.images, 0)
    links, inputs = chain(network), plan.images.test_inputs[:held_out]
    counts = torch.tensor(sizes(links))
    rows = []
    for step in steps:
        before, batch = snapshots[step], next_minibatch(plan, seeds, step)
        _, gradient = gradients_of(network, before, batch)
        after = {name: value.clone() for name, value in before.items()}
        descend(after, gradient, torch.full((len(seeds),), rate))
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
            for seed, value in zip(seeds, values, strict=True)
        ]
    return pd.DataFrame(rows).assign(learning_rate=rate)


def next_minibatch(plan: Plan, seeds: Sequence[int], step: int) -> Batch:
    """The minibatch of each seed that training goes on with after so many steps."""
    examples = len(plan.images.train_labels)
    epoch, place = divmod(step, examples // plan.batch_size)
    index = next(islice(batches(examples, plan.batch_size, seeds, epoch), place, None))
    return Batch(plan.images.train_inputs[index], plan.images.train_labels[index])
