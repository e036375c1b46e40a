"""Experiment: does a large batch cost accuracy, and do rates that follow each layer's norms win it back?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.networks import Architecture, build, build_random
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    FAMILY,
    INITIAL_WEIGHTS,
    SEARCH,
    TUNED,
    names_of,
    of_test_images,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.loop import Training
from movingtarget.training.momentum import momentum
from movingtarget.training.scores import evenly, scores_of
from movingtarget.training.tuned import Draw, train_tuned
from movingtarget.training.tuning import search_rows
from movingtarget.work import Data, Work

ARMS = ("small batch", "large batch", "large batch, LARS")

ARM: dict[str, Any] = {"network": names_of(FAMILY), "arm": ARMS}
"""Columns that name an arm."""


def jobs(config: Config) -> list[Job]:
    """One for each family."""
    settings = dict(config["large_batch"])
    return [
        Job(network, {"network": network, **settings}, (network,)) for network in settings.pop("networks")
    ]


def problems(config: Config) -> Iterator[str]:
    """The large batch is larger, and seeds differ; a batch larger than the data its schema tells."""
    settings = config["large_batch"]
    if settings["large_batch_size"] <= (size := settings["batch_size"]):
        yield (
            f"large_batch.large_batch_size is {settings['large_batch_size']}; allowed: above {size}, "
            "large_batch.batch_size"
        )
    yield from problems_of_seeds("large_batch")(config)


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search and the tested seeds of each arm, all of which see as many examples."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    of_look, looks = work.scored(network, settings["evaluation_examples"]), settings["evaluations"] + 1
    sizes = [settings["batch_size"], settings["large_batch_size"], settings["large_batch_size"]]
    return work.total(
        [
            work.tuned(
                settings,
                settings["epochs"] * (data.training_images // size),
                partial(work.step, network, examples=size),
                looks,
                of_look,
            )
            for size in sizes
        ]
    )


STUDY = Study(
    rule="train_large_batch",
    settings={
        **TUNED,
        "hidden_width": COUNT,
        "depth": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "large_batch_size": of_training_images(2),
        "epochs": COUNT,
        "momentum": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "weight_decay": {"type": "number", "minimum": 0},
        "evaluations": COUNT,
        "evaluation_examples": {**of_training_images(2), **of_test_images(2)},
        "networks": several(FAMILY),
    },
    tables={
        "large_batch": {
            **ARM,
            "learning_rate": follows(float),
            "seed": int,
            "step": int,
            "epoch": follows(float),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        },
        "large_batch_search": {**ARM, **SEARCH},
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
    tuning_seeds: Sequence[int],
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables large_batch and large_batch_search of one family.

    All arms have momentum and weight decay, see equally many epochs, and are trained at the rate with the
    lowest mean training loss at the end over other seeds.

    Args:
        images: the data.
        network: the family.
        tuning_seeds: those of the searches.
        say: called with lines of progress.
        settings: others of the study.
    """
    scores, searches = [], []
    for name in ARMS:
        say(f"{network}, {name}")
        plan, draw = plan_of(images, network, name, settings)
        tuned = train_tuned(plan, draw, tuning_seeds, say=say)
        rows = scores_of(tuned.table)
        epochs = rows["step"] * plan.batch_size / len(images.train_labels)
        scores.append(rows.assign(network=network, arm=name, epoch=epochs))
        searches.append(search_rows(tuned.search, tuning_seeds, network=network, arm=name))
    columns = [*STUDY.tables["large_batch"]]
    return {"large_batch": pd.concat(scores)[columns], "large_batch_search": pd.concat(searches)}


def plan_of(images: Images, network: str, name: str, settings: Mapping[str, Any]) -> tuple[Training, Draw]:
    """What an arm trains, and how; the learning rates are those its search starts with.

    Raises:
        ValueError: the batch is larger than the training data.
    """
    size = settings["batch_size" if name == "small batch" else "large_batch_size"]
    if size > (most := len(images.train_labels)):
        raise ValueError(f"batch size is {size}; allowed: 1 to {most}, the training images")
    steps = settings["epochs"] * (most // size)
    architecture = Architecture(
        family=network,
        inputs=images.features,
        width=settings["hidden_width"],
        depth=settings["depth"],
        outputs=images.classes,
        activation=settings["activation"],
        initial_weights=settings["initial_weights"],
    )
    training = Training(
        network=build(architecture),
        rule=momentum(settings["momentum"], settings["weight_decay"], by_norms=name.endswith("LARS")),
        images=images,
        seeds=settings["seeds"],
        learning_rates=settings["learning_rates"],
        batch_size=size,
        steps=steps,
        evaluation_steps=evenly(steps, settings["evaluations"]),
        evaluation_examples=settings["evaluation_examples"],
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
    )
    return training, partial(build_random, architecture)
