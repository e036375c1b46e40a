"""Experiment: short trainings of an autoencoder by every method, at the settings that its search tries."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.autoencoders import AUTOENCODER, architectures_of, methods_of, settings_of, training_counted
from movingtarget.data.load import Images
from movingtarget.methods import METHODS
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.autoencoders import losses_in_turn, plan_of, some_images
from movingtarget.training.trials import trials_of
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each method on each architecture."""
    return [
        Job(
            f"{name}-{method}",
            {
                **settings_of(
                    config, name, "tuning_seeds", "trials", "search_epochs", *METHODS[method].given
                ),
                "method": method,
            },
            methods=(method,),
        )
        for name in architectures_of(config)
        for method in methods_of(config, name)
    ]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A short training of each trial."""
    trials = settings["trials"]
    members, epochs = len(settings["tuning_seeds"]), trials * settings["search_epochs"]
    return training_counted(settings, data, members, epochs, looks=trials)


STUDY = Study(
    rule="try_autoencoders",
    settings={},
    tables={"locoprop_trials": {**AUTOENCODER, "trial": int, "seed": int, "train_loss": MEASURED}},
    jobs=jobs,
    images=True,
    accelerated=True,
    resumable=True,
    work=counted,
)


def measure(
    images: Images,
    data: str,
    architecture: str,
    method: str,
    tuning_seeds: Sequence[int],
    trials: int,
    search_epochs: int,
    training_images: int,
    test_images: int,
    pooling: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Table locoprop_trials: the loss of every trial after a short training of the tuning seeds.

    Every method has as many trials, over ranges as wide; their rates follow the same schedule, scaled to
    the short training. Losses are infinite where training has diverged.

    Args:
        images: their first are used.
        data: the data set's name.
        architecture: its name.
        method: a key of `METHODS`.
        tuning_seeds: not among those tested.
        trials: a power of 2.
        search_epochs: of each trial.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        kept: what an interrupted job kept last.
        keep: called with what to go on from, after every epoch.
        say: told of each training.
        settings: of `plan_of`.
    """
    few = some_images(images, training_images, test_images, pooling)
    losses_of, arm = losses_in_turn(settings, kept, keep), (data, architecture, method)
    rows = []
    for number, trial in enumerate(trials_of(method, trials)):
        losses = losses_of(plan_of(few, method, [trial], tuning_seeds, search_epochs, settings))
        rows += [(*arm, number, seed, loss) for seed, loss in zip(tuning_seeds, losses, strict=True)]
        say(f"trial {number + 1}/{trials}: {np.mean(losses):.1f} nats after {search_epochs} epochs")
    return {"locoprop_trials": pd.DataFrame(rows, columns=[*STUDY.tables["locoprop_trials"]])}
