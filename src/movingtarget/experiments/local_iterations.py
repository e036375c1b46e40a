"""Experiment: how many local steps LocoProp's layers should take for a minibatch."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.autoencoders import METHOD, first_of, problems_of_methods, settings_of, training_counted
from movingtarget.data.load import Images
from movingtarget.experiments.autoencoder_search import best_trial
from movingtarget.settings import COUNTS, SEARCH, choice, several
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.autoencoders import losses_in_turn, plan_of, some_images
from movingtarget.training.trials import Trial
from movingtarget.training.tuning import search, search_rows
from movingtarget.work import Data, Work

ARM: dict[str, Any] = {"method": METHOD, "iterations": int}


def jobs(config: Config) -> list[Job]:
    """One for each method and number of local iterations, on the first architecture."""
    section, first = config["local_iterations"], first_of(config)
    shared = settings_of(config, first, "seeds", "tuning_seeds", "search_epochs")
    return [
        Job(
            f"{method}-{iterations}",
            {**shared, "method": method, "iterations": iterations},
            methods=(method,),
        )
        for method in section["methods"]
        for iterations in section["iterations"]
    ]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A search whose rates are trained in turn, and the tested seeds."""
    rates, epochs = len(AROUND) + work.SEARCHED, settings["search_epochs"]
    searched = rates * training_counted(settings, data, len(settings["tuning_seeds"]), epochs, 1)
    return searched + training_counted(settings, data, len(settings["seeds"]), epochs, 1)


STUDY = Study(
    rule="train_local_iterations",
    settings={"methods": several(choice("locoprop-s", "locoprop-m")), "iterations": COUNTS},
    tables={
        "local_iterations": {**ARM, "learning_rate": follows(float), "seed": int, "train_loss": MEASURED},
        "local_iterations_search": {**ARM, **SEARCH},
    },
    jobs=jobs,
    problems=problems_of_methods("local_iterations"),
    images=True,
    accelerated=True,
    reads=("locoprop_search",),
    resumable=True,
    work=counted,
)

AROUND = (1 / 3, 1.0, 3.0)
"""Where each search for a rate starts, in rates chosen for the usual number of iterations."""


def measure(
    images: Images,
    locoprop_search: pd.DataFrame,
    data: str,
    architecture: str,
    method: str,
    seeds: Sequence[int],
    tuning_seeds: Sequence[int],
    search_epochs: int,
    training_images: int,
    test_images: int,
    pooling: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables local_iterations and local_iterations_search of one number of local iterations.

    The learning rate is searched anew, on the tuning seeds, for a short training; gamma stays as it was
    chosen for the usual number. Then the tested seeds are trained as long.

    Args:
        images: their first are used.
        locoprop_search: that table.
        data: the data set's name.
        architecture: its name.
        method: locoprop-s or locoprop-m.
        seeds: tested.
        tuning_seeds: others.
        search_epochs: of each training.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        kept: what an interrupted job kept last.
        keep: called with what to go on from, after every epoch.
        say: told of progress.
        settings: of `plan_of`, iterations among them.
    """
    few = some_images(images, training_images, test_images, pooling)
    usual = best_trial(locoprop_search, architecture, method)
    losses_of = losses_in_turn(settings, kept, keep)

    def losses_at(rates: list[float], of: Sequence[int] = tuning_seeds) -> list[list[float]]:
        say(f"{len(rates)} rates")
        trials = [Trial(rate, usual.value) for rate in rates]
        plans = [plan_of(few, method, [trial], of, search_epochs, settings) for trial in trials]
        return [losses_of(plan) for plan in plans]

    found = search(losses_at, [float(f"{usual.learning_rate * factor:.4g}") for factor in AROUND])
    [losses] = losses_at([found.best], seeds)
    arm: dict[str, Any] = {"method": method, "iterations": settings["iterations"]}
    tested = pd.DataFrame({"seed": [*seeds], "train_loss": losses})
    return {
        "local_iterations": tested.assign(**arm, learning_rate=found.best),
        "local_iterations_search": search_rows(found, tuning_seeds, **arm),
    }
