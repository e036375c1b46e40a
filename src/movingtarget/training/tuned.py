"""Training at a learning rate that other seeds have chosen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

from movingtarget.networks.stack import Parameters, stack
from movingtarget.training.loop import State, Training, as_data, from_data, start, train
from movingtarget.training.tuning import Search, search

Draw = Callable[[int], nn.Module]
"""The random network of a seed."""

Keep = Callable[[dict[str, Any]], None]

Say = Callable[[str], None]


class Tuned(NamedTuple):
    """What a tuned training has found.

    Attributes:
        search: of the learning rate.
        table: rows of the tested seeds at the best rate, from the training loop.
        snapshots: their parameters by step.
    """

    search: Search
    table: pd.DataFrame
    snapshots: dict[int, Parameters]


def train_tuned(
    training: Training,
    draw: Draw,
    tuning_seeds: Sequence[int],
    kept: dict[str, Any] | None = None,
    keep: Keep = lambda data: None,
    say: Say = lambda line: None,
) -> Tuned:
    """Search for the learning rate on some seeds, then train others at the best.

    The score of a rate is the mean training loss at the end over the tuning seeds, so that no tested seed
    has a part in the choice and the interval of what is tested is that of a rate given beforehand.

    Args:
        training: the plan; its learning rates are those with which the search starts.
        draw: makes a seed's network.
        tuning_seeds: of the search.
        kept: what an interrupted training kept last.
        keep: called with data to go on from: after every step of the search and every epoch of the rest.
        say: called with lines of progress.
    """
    kept = kept or {"losses": {}, "state": None}
    losses = dict(kept["losses"])

    def losses_at(rates: list[float]) -> list[list[float]]:
        if missing := [rate for rate in rates if rate not in losses]:
            plan = replace(training, learning_rates=missing, seeds=tuning_seeds)
            losses.update(zip(missing, final_losses(plan, draw, _titled(say, "search")), strict=True))
            keep({"losses": losses, "state": None})
        return [losses[rate] for rate in rates]

    found = search(losses_at, training.learning_rates)
    tested = replace(training, learning_rates=[found.best])
    state = from_data(kept["state"]) if kept["state"] else start_of(tested, draw)
    state = train(tested, state, lambda reached: keep({"losses": losses, "state": as_data(reached)}), say)
    return Tuned(found, pd.DataFrame(state.rows), state.snapshots)


def final_losses(training: Training, draw: Draw, say: Say = lambda line: None) -> list[list[float]]:
    """The training loss at the last step, rates by seeds; NaN for what has diverged."""
    steps = training.steps
    plan = replace(training, evaluation_steps=[steps], curve_window=steps + 1, snapshot_steps=())
    rows = train(plan, start_of(plan, draw), say=say).rows
    last = [row["value"] for row in rows if row["quantity"] == "train_loss" and row["step"] == steps]
    seeds = len(training.seeds)
    return [last[first : first + seeds] for first in range(0, len(last), seeds)]


def start_of(training: Training, draw: Draw) -> State:
    """The state before the first step of a plan's members."""
    drawn = {seed: draw(seed) for seed in training.seeds}
    return start(stack(drawn[seed] for _, seed in training.members))


def _titled(say: Say, title: str) -> Say:
    return lambda line: say(f"{title}, {line}")
