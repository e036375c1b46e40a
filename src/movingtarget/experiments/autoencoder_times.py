"""Experiment: what a step of every method of training an autoencoder costs."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from movingtarget import work
from movingtarget.autoencoders import AUTOENCODER, first_of, methods_of, settings_of, step_counted
from movingtarget.data.load import Images
from movingtarget.experiments.autoencoder_search import best_trial
from movingtarget.networks.losses import entropy_floor
from movingtarget.settings import COUNT
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.autoencoders import batch_of, plan_of, some_images, start_of
from movingtarget.training.trials import Trial
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One, of every method on the first architecture, taken in turn."""
    section, first = config["autoencoders"], first_of(config)
    methods = tuple(methods_of(config, first))
    given = {
        **settings_of(config, first, "iterations", "renewal_steps"),
        "methods": methods,
        "seeds": section["seeds"][:1],
    }
    return [Job("", {**given, **config["autoencoder_times"]}, methods=methods)]


def problems(config: Config) -> Iterator[str]:
    """Timed steps hold their share of renewals."""
    steps, renewal = config["autoencoder_times"]["steps"], config["autoencoders"]["renewal_steps"]
    if steps % renewal:
        yield (
            f"autoencoder_times.steps is {steps}; allowed: multiples of {renewal}, autoencoders.renewal_steps"
        )


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Timed steps of every method."""
    steps: int = settings["repetitions"] * (settings["steps"] + 1)
    members = len(settings["seeds"])
    taken = [step_counted({**settings, "method": method}, data, members) for method in settings["methods"]]
    return steps * work.total(taken)


STUDY = Study(
    rule="time_autoencoders",
    settings={"repetitions": COUNT, "steps": COUNT},
    tables={
        "locoprop_costs": {
            **AUTOENCODER,
            "seed": int,
            "gradient_evaluations": follows(float),
            "flops": follows(float),
            "seconds": MEASURED,
        },
        "locoprop_floors": {"data": str, "split": ("train", "test"), "entropy": follows(float)},
    },
    jobs=jobs,
    problems=problems,
    images=True,
    undisturbed=True,
    reads=("locoprop_search",),
    work=counted,
)


def measure(
    images: Images,
    locoprop_search: pd.DataFrame,
    data: str,
    architecture: str,
    methods: Sequence[str],
    seeds: Sequence[int],
    training_images: int,
    test_images: int,
    pooling: int,
    repetitions: int,
    steps: int,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables locoprop_costs, of a step of each method, and locoprop_floors, of each split's entropy.

    Each time is the mean of several steps of one network, from the initial weights and at the chosen
    settings, after one that is not timed; inverses and the like are renewed in their share of them. All
    methods take turns, so that whatever else the machine does hits all alike. Column seed counts the
    repetitions.

    Args:
        images: their first are used.
        locoprop_search: that table.
        data: the data set's name.
        architecture: its name.
        methods: keys of `METHODS`.
        seeds: one, whose network is timed.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        repetitions: how often everything is timed.
        steps: of each time.
        say: told of progress, once a repetition.
        settings: of `plan_of`.
    """
    few = some_images(images, training_images, test_images, pooling)
    trials = {method: best_trial(locoprop_search, architecture, method) for method in methods}
    rows = []
    for repetition in range(repetitions):
        say(f"repetition {repetition + 1}/{repetitions}")
        for method, trial in trials.items():
            cost = _cost_of_a_step(few, method, trial, seeds, repetition, steps, settings)
            rows.append({"method": method, "seed": repetition, **cost})
    floors = {"train": entropy_floor(few.train_inputs), "test": entropy_floor(few.test_inputs)}
    return {
        "locoprop_costs": pd.DataFrame(rows).assign(data=data, architecture=architecture),
        "locoprop_floors": pd.DataFrame({"split": [*floors], "entropy": [*floors.values()]}).assign(
            data=data
        ),
    }


def _cost_of_a_step(
    few: Images,
    method: str,
    trial: Trial,
    seeds: Sequence[int],
    epoch: int,
    steps: int,
    settings: Mapping[str, Any],
) -> dict[str, float]:
    """Mean seconds, FLOPs and gradient evaluations of a step."""
    plan = plan_of(few, method, [trial], seeds, 1, settings)
    parameters, memory = start_of(plan, settings).parameters, dict[str, Any]()
    batch, rates = batch_of(plan, epoch), torch.full((len(seeds),), trial.learning_rate)
    for step in range(steps + 1):
        if step == 1:
            started = time.perf_counter()
        outcome = plan.rule(plan.network, parameters, batch, memory, rates)
        parameters, memory = outcome.parameters, outcome.memory
    return {"seconds": (time.perf_counter() - started) / steps, **outcome.cost._asdict()}
