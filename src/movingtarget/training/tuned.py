"""Training at a learning rate that other seeds have chosen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

from movingtarget.networks.stack import Parameters, stack
from movingtarget.statistics.rows import divide
from movingtarget.study import Say
from movingtarget.training.in_parts import rows_in_parts
from movingtarget.training.loop import State, Training, as_data, from_data, start, train
from movingtarget.training.tuning import Search, search

Draw = Callable[[int], nn.Module]
"""The random network of a seed."""

Keep = Callable[[dict[str, Any]], None]


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
    """`train_to_ends` with a single end, the plan's last step."""
    return train_to_ends(training, [training.steps], draw, tuning_seeds, kept, keep, say)[training.steps]


def train_to_ends(
    training: Training,
    ends: Sequence[int],
    draw: Draw,
    tuning_seeds: Sequence[int],
    kept: dict[str, Any] | None = None,
    keep: Keep = lambda data: None,
    say: Say = lambda line: None,
) -> dict[int, Tuned]:
    """For each of some ends, search for the learning rate on some seeds and train others at the best.

    The score of a rate is the mean training loss at that end over the tuning seeds, so that no tested seed
    has a part in the choice and the interval of what is tested is that of a rate given beforehand.

    Args:
        training: the plan; its learning rates are those with which each search starts.
        ends: steps after which training may end; each has a search of its own, in which longer trainings
            take part.
        draw: makes a seed's network.
        tuning_seeds: of the searches.
        kept: what an interrupted training kept last.
        keep: called with data to go on from: after every step of a search and every epoch of the rest.
        say: called with lines of progress.

    Returns:
        By end; tables are cut off there.
    """
    kept = kept or {"losses": {}, "states": {}}
    losses: dict[float, dict[int, list[float]]] = {
        rate: dict(found) for rate, found in kept["losses"].items()
    }
    states = dict(kept["states"])

    def search_to(end: int) -> Search:
        def losses_at(rates: list[float]) -> list[list[float]]:
            if missing := [rate for rate in rates if end not in losses.get(rate, {})]:
                within = [earlier for earlier in ends if earlier <= end]
                plan = replace(training, learning_rates=missing, seeds=tuning_seeds, steps=end)
                for rate, found in final_losses(plan, within, draw, _titled(say, "search")).items():
                    losses.setdefault(rate, {}).update(found)
                keep({"losses": losses, "states": states})
            return [losses[rate][end] for rate in rates]

        return search(losses_at, training.learning_rates)

    searches = {end: search_to(end) for end in sorted(ends, reverse=True)}
    last_ends: dict[float, int] = {}
    for end, found in searches.items():  # from the last end on
        last_ends.setdefault(found.best, end)
    trained: dict[float, State] = {}
    for rate, end in last_ends.items():

        def keep_state(reached: State, rate: float = rate) -> None:
            states[rate] = as_data(reached)
            keep({"losses": losses, "states": states})

        plan = replace(training, learning_rates=[rate], steps=end)
        state = from_data(states[rate]) if rate in states else start_of(plan, draw)
        trained[rate] = train(plan, state, keep_state, say)
    return {end: _cut(found, trained[found.best], end) for end, found in searches.items()}


def final_losses(
    training: Training, ends: Sequence[int], draw: Draw, say: Say = lambda line: None
) -> dict[float, dict[int, list[float]]]:
    """The training loss of every seed, by learning rate and end; NaN for what has diverged."""
    plan = replace(
        training, evaluation_steps=ends, splits=["train"], curve_window=training.steps + 1, snapshot_steps=()
    )
    rows = pd.DataFrame(rows_in_parts(plan, lambda part: start_of(part, draw), say))
    scores = rows[(rows["quantity"] == "train_loss") & rows["step"].isin(ends)]
    losses: dict[float, dict[int, list[float]]] = {}
    for (rate, end), of_end in divide(scores, "learning_rate", "step").items():
        losses.setdefault(rate, {})[end] = of_end["value"].tolist()
    return losses


def start_of(training: Training, draw: Draw) -> State:
    """The state before the first step of a plan's members."""
    drawn = {seed: draw(seed).to(training.images.device) for seed in training.seeds}
    return start(stack(drawn[seed] for _, seed in training.members))


def _cut(found: Search, state: State, end: int) -> Tuned:
    rows = pd.DataFrame(state.rows)
    snapshots = {step: parameters for step, parameters in state.snapshots.items() if step <= end}
    return Tuned(found, rows[rows["step"] <= end], snapshots)


def _titled(say: Say, title: str) -> Say:
    return lambda line: say(f"{title}, {line}")
