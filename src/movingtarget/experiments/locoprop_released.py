"""Experiment: LocoProp-M as released, on the paper's autoencoder and data, for its first epochs."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from movingtarget.autoencoders import EPOCHS, training_counted
from movingtarget.data.load import Images
from movingtarget.experiments.autoencoders import by_epoch, evaluated_every_epoch, scores_of
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.stack import stack
from movingtarget.settings import COUNT, at_least
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.training.locoprop import locoprop
from movingtarget.training.loop import Training, as_data, from_data, start, train
from movingtarget.training.schedule import rise_and_fall
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """A single one."""
    return [Job("", config["locoprop_released"])]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The training, looked at after every epoch."""
    described = {"hidden_widths": HIDDEN_WIDTHS, "normalisation": "none", "pooling": 1}
    of_all = {"training_images": data.training_images, "test_images": data.test_images}
    given = {"method": "locoprop-m", "batch_size": BATCH_SIZE, "iterations": ITERATIONS}
    return training_counted(described | of_all | given, data, 1, settings["epochs"], settings["epochs"] + 1)


STUDY = Study(
    rule="locoprop_released",
    settings={"epochs": COUNT, "seed": at_least(0)},
    tables={"locoprop_released": EPOCHS},
    jobs=jobs,
    images=True,
    dataset="mnist",
    apart=True,
    resumable=True,
    work=counted,
)

HIDDEN_WIDTHS = (1000, 500, 250, 30)
BATCH_SIZE = 1000
ITERATIONS, GAMMA, LEARNING_RATE = 10, 10.0, 1e-5
SCHEDULED, RISE = 100, 5
"""Epochs of the schedule, of which the authors ran 99, and those in which it rises."""


def measure(
    images: Images,
    epochs: int,
    seed: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table locoprop_released: the losses on all images before training and after every epoch.

    The autoencoder 784-1000-500-250-30 and back, of tanh, on MNIST in minibatches of 1000: matching loss, 10
    local iterations of TensorFlow's RMSProp, gamma 10, rate 1e-5 by the epoch's place in a schedule of 100.
    Nothing moves in the first epoch.

    Args:
        images: of MNIST.
        epochs: of the schedule's.
        seed: of initial weights and order.
        kept: the state that an interrupted job kept last.
        keep: called with it after every epoch.
        say: told of progress.

    Source: Amid, Anil & Warmuth 2022, the authors' notebook.
    """
    whole = images.to_reconstruct()
    network = autoencoder(whole.features, HIDDEN_WIDTHS)
    per_epoch = len(whole.train_labels) // BATCH_SIZE
    plan = evaluated_every_epoch(
        Training(
            network=network,
            rule=locoprop(ITERATIONS, GAMMA),
            images=whole,
            seeds=[seed],
            learning_rates=[LEARNING_RATE],
            batch_size=BATCH_SIZE,
            steps=epochs * per_epoch,
            evaluation_steps=(),
            evaluation_examples=len(whole.train_labels),
            curve_window=per_epoch + 1,
            schedule=lambda step: rise_and_fall(step // per_epoch, SCHEDULED, RISE),
        )
    )
    begun = from_data(kept) if kept else start(stack([initialise_glorot(network, seed)]))
    state = train(plan, begun, lambda reached: keep(as_data(reached)), say)
    table = by_epoch(scores_of(state.rows), per_epoch)
    widths = "-".join(map(str, (whole.features, *HIDDEN_WIDTHS)))
    return {"locoprop_released": table.assign(data="mnist", architecture=widths, method="locoprop-m")}
