"""Experiment: the learning rate, and one setting more, that suit each method of training an autoencoder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.autoencoders import AUTOENCODER, architectures_of, methods_of, settings_of, training_counted
from movingtarget.data.load import Images
from movingtarget.methods import METHODS
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.autoencoders import plan_of, some_images, start_of
from movingtarget.training.loop import Training, train
from movingtarget.training.trials import Trial, at_edges, trials_of
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each method on each architecture."""
    shared = ("tuning_seeds", "trials", "search_epochs", "finalists")
    epochs = max(config["autoencoders"]["horizons"])
    return [
        Job(
            f"{name}-{method}",
            {
                **settings_of(config, name, *shared, *METHODS[method].given),
                "method": method,
                "epochs": epochs,
            },
            methods=(method,),
        )
        for name in architectures_of(config)
        for method in methods_of(config, name)
    ]


Losses = NDArray[np.float64]
"""`(trials, seeds)`."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Short trainings of all trials, and long ones of the best."""
    epochs = settings["trials"] * settings["search_epochs"] + settings["finalists"] * settings["epochs"]
    looks = settings["trials"] + settings["finalists"]
    return training_counted(settings, data, len(settings["tuning_seeds"]), epochs, looks)


STUDY = Study(
    rule="search_autoencoders",
    settings={},
    tables={
        "locoprop_search": {
            **AUTOENCODER,
            "trial": int,
            "learning_rate": follows(float),
            "searched": follows(str),
            "searched_value": follows(float, may_be_nan=True),
            "seed": int,
            "train_loss": MEASURED,
            "full_loss": MEASURED,
            "place": follows(("tried", "best", "best at an edge")),
        }
    },
    jobs=jobs,
    images=True,
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
    epochs: int,
    search_epochs: int,
    finalists: int,
    training_images: int,
    test_images: int,
    pooling: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Table locoprop_search: the loss of every trial after a short training of the tuning seeds.

    Every method has as many trials, over ranges as wide; their rates follow the same schedule, scaled to
    the short training. What suits it may fail in a longer one, so the few of the lowest mean loss are trained
    as long as the longest that is tested. Of these the best has the lowest mean loss, column full_loss, NaN
    for the others. It is at an edge if one of its settings is the lowest or highest tried.

    Args:
        images: their first are used.
        data: the data set's name.
        architecture: its name.
        method: a key of `METHODS`.
        tuning_seeds: not among those tested.
        trials: a power of 2.
        epochs: of the finalists' trainings.
        search_epochs: of each trial.
        finalists: how many.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        kept: the losses of the trainings that an interrupted job has ended.
        keep: called with those after each trial.
        say: told of each training.
        settings: of `plan_of`.
    """
    few = some_images(images, training_images, test_images, pooling)
    tried = trials_of(method, trials)
    losses: list[list[float]] = list((kept or {"losses": []})["losses"])

    def carry_out(number: int, length: int) -> None:
        plan = plan_of(few, method, [tried[number]], tuning_seeds, length, settings)
        losses.append(final_losses(plan, settings))
        keep({"losses": [*losses]})
        say(f"trial {number + 1}/{trials}: {np.mean(losses[-1]):.1f} nats after {length} epochs")

    for number in range(len(losses), trials):
        carry_out(number, search_epochs)
    short = np.array(losses[:trials])
    chosen = np.argsort(short.mean(1), kind="stable")[:finalists]
    for number in chosen[len(losses) - trials :].tolist():
        carry_out(number, epochs)
    full = np.full_like(short, np.nan)
    full[chosen] = losses[trials:]
    table = _table(method, tried, short, full, tuning_seeds)
    return {"locoprop_search": table.assign(data=data, architecture=architecture, method=method)}


def final_losses(plan: Training, settings: Mapping[str, Any]) -> list[float]:
    """The training loss of each seed at the end, infinite where training has diverged."""
    rows = pd.DataFrame(train(replace(plan, splits=["train"]), start_of(plan, settings)).rows)
    at_end = rows[(rows["quantity"] == "train_loss") & (rows["step"] == plan.steps)]
    return at_end["value"].fillna(np.inf).tolist()


def best_trial(search: pd.DataFrame, architecture: str, method: str) -> Trial:
    """The best trial of an arm in the table of searches."""
    rows = search[(search["architecture"] == architecture) & (search["method"] == method)]
    best = rows[rows["place"] != "tried"].iloc[0]
    return Trial(float(best["learning_rate"]), float(best["searched_value"]))


def _table(
    method: str, tried: list[Trial], short: Losses, full: Losses, seeds: Sequence[int]
) -> pd.DataFrame:
    """A row for each trial and seed."""
    best = int(np.nanargmin(full.mean(1)))
    named = "best at an edge" if at_edges(tried, tried[best]) else "best"
    searched = METHODS[method].searched
    rows = [
        {
            "trial": number,
            "learning_rate": trial.learning_rate,
            "searched": searched.name if searched else "none",
            "searched_value": trial.value,
            "seed": seed,
            "train_loss": short[number, place],
            "full_loss": full[number, place],
            "place": named if number == best else "tried",
        }
        for number, trial in enumerate(tried)
        for place, seed in enumerate(seeds)
    ]
    return pd.DataFrame(rows)
