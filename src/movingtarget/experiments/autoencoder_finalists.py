"""Experiment: long trainings of an autoencoder at the settings that were best in short ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.autoencoders import (
    AUTOENCODER,
    architectures_of,
    groups,
    methods_of,
    settings_of,
    training_counted,
)
from movingtarget.data.load import Images
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.autoencoders import losses_in_turn, plan_of, some_images
from movingtarget.training.trials import trials_of
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each method on each architecture and each group of finalists, who are told by their rank."""
    section = config["autoencoders"]
    return [
        Job(
            f"{name}-{method}-{ranks[0]}",
            {
                **settings_of(config, name, "tuning_seeds", *METHODS[method].given),
                "method": method,
                "epochs": max(section["horizons"]),
                "ranks": ranks,
            },
            methods=(method,),
        )
        for name in architectures_of(config)
        for method in methods_of(config, name)
        for ranks in groups(range(section["finalists"]), section["finalists_in_a_job"])
    ]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A long training of each finalist."""
    finalists = len(settings["ranks"])
    members, epochs = len(settings["tuning_seeds"]), finalists * settings["epochs"]
    return training_counted(settings, data, members, epochs, looks=finalists)


STUDY = Study(
    rule="train_finalists",
    settings={},
    tables={"locoprop_finalists": {**AUTOENCODER, "trial": int, "seed": int, "full_loss": MEASURED}},
    jobs=jobs,
    images=True,
    accelerated=True,
    reads=("locoprop_trials",),
    resumable=True,
    work=counted,
)


def measure(
    images: Images,
    locoprop_trials: pd.DataFrame,
    data: str,
    architecture: str,
    method: str,
    tuning_seeds: Sequence[int],
    epochs: int,
    ranks: Sequence[int],
    training_images: int,
    test_images: int,
    pooling: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Table locoprop_finalists: the losses of the best trials after a training as long as the longest tested.

    What suits a short training may fail in a longer one, so the few trials of the lowest mean loss are
    trained again. Losses are infinite where training has diverged.

    Args:
        images: their first are used.
        locoprop_trials: that table.
        data: the data set's name.
        architecture: its name.
        method: a key of `METHODS`.
        tuning_seeds: not among those tested.
        epochs: of a training.
        ranks: of the finalists that are trained here, 0 for the trial of the lowest mean loss.
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
    ranked = _ranked(where(locoprop_trials, architecture=architecture, method=method))
    tried, rows = trials_of(method, len(ranked)), []
    for number in [ranked[rank] for rank in ranks]:
        losses = losses_of(plan_of(few, method, [tried[number]], tuning_seeds, epochs, settings))
        rows += [(*arm, number, seed, loss) for seed, loss in zip(tuning_seeds, losses, strict=True)]
        say(f"trial {number + 1}/{len(tried)}: {np.mean(losses):.1f} nats after {epochs} epochs")
    return {"locoprop_finalists": pd.DataFrame(rows, columns=[*STUDY.tables["locoprop_finalists"]])}


def _ranked(trials: pd.DataFrame) -> list[int]:
    """The numbers of an arm's trials, the lowest mean loss first; of equal ones the lower number."""
    losses = trials.pivot(index="trial", columns="seed", values="train_loss")
    ranked: list[int] = losses.index[np.argsort(losses.to_numpy().mean(1), kind="stable")].tolist()
    return ranked
