"""The training loop: a stack of members, seeds by learning rates, under one update rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.networks.stack import Parameters
from movingtarget.training.evaluation import evaluate_splits
from movingtarget.training.interface import Batch, Cost, Memory, UpdateRule
from movingtarget.training.minibatches import batches
from movingtarget.training.schedule import Schedule, constant

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Training:
    """What is trained, on what, how, and how often it is looked at; the network is put where the images are.

    The members are all pairs of a learning rate and a seed, rates outermost. `curve_window` is the number
    of steps whose minibatch losses are averaged into one point of the curve; a window that an epoch's end
    cuts short leaves no point. Scores are taken at `evaluation_steps` on the first `evaluation_examples` of
    each of `splits`, train among them; parameters are kept at `snapshot_steps`. Step 0 is the start. A step's
    rates are those given times the schedule's factor.
    """

    network: nn.Module
    rule: UpdateRule
    images: Images
    seeds: Sequence[int]
    learning_rates: Sequence[float]
    batch_size: int
    steps: int
    evaluation_steps: Sequence[int]
    evaluation_examples: int
    curve_window: int
    snapshot_steps: Sequence[int] = ()
    splits: Sequence[str] = ("train", "test")
    schedule: Schedule = constant

    def __post_init__(self) -> None:
        self.network.to(self.images.device)

    @property
    def members(self) -> list[tuple[float, int]]:
        """Learning rate and seed of each member."""
        return [(rate, seed) for rate in self.learning_rates for seed in self.seeds]

    @cached_property
    def rates(self) -> Tensor:
        """The learning rate of each member, where the images are."""
        return torch.tensor([rate for rate, _ in self.members], device=self.images.device)

    @property
    def steps_per_epoch(self) -> int:
        """Full minibatches in the training data."""
        return len(self.images.train_labels) // self.batch_size


@dataclass(frozen=True)
class State:
    """All that is needed to go on after an interruption.

    `rows` hold one record for each member, recorded step and quantity; `snapshots` the parameters kept,
    by step; `diverged_at` each member's first step with a loss that is not finite,
    or -1. `spent` is the cost of all steps so far.
    """

    parameters: Parameters
    diverged_at: Tensor
    memory: Memory = field(default_factory=dict)
    epoch: int = 0
    rows: Rows = field(default_factory=list)
    snapshots: dict[int, Parameters] = field(default_factory=dict)
    spent: Cost = field(default_factory=lambda: Cost(0.0, 0.0))


def as_data(state: State) -> dict[str, Any]:
    """A state as tensors, numbers, lists and dicts alone, to be kept where code must not be."""
    return {**vars(state), "spent": list(state.spent)}


def from_data(data: dict[str, Any]) -> State:
    """The state that `as_data` was given."""
    return State(**data | {"spent": Cost(*data["spent"])})


def start(parameters: Parameters) -> State:
    """The state before the first step of a stack with these initial parameters."""
    first = next(iter(parameters.values()))
    return State(parameters, diverged_at=torch.full((len(first),), -1, device=first.device))


def train(
    training: Training,
    state: State,
    keep: Callable[[State], None] = lambda state: None,
    say: Callable[[str], None] = lambda line: None,
) -> State:
    """Train all members to the end and return the last state.

    A member whose minibatch loss is not finite has diverged: it stays in the stack, its later values are
    NaN and no other member feels it.

    Args:
        training: the plan.
        state: from `start`, members in the plan's order, or kept from an earlier run; left as it is. It lies
            where the images do.
        keep: called with the state after every epoch; training goes on in the same tensors, so save it.
        say: called with a line of progress at every evaluation.

    Raises:
        ValueError: the batch is larger than the training data.
    """
    if training.steps_per_epoch == 0:
        raise ValueError(
            f"batch size {training.batch_size} is larger than the training data "
            f"({len(training.images.train_labels)} examples)"
        )
    training.network.train()
    state = replace(state, parameters=_copy(state.parameters))
    if state.epoch == 0:
        state = _snapshot(training, _evaluate(training, state, 0), 0)
    for _ in range(state.epoch, ceil(training.steps / training.steps_per_epoch)):
        state = _epoch(training, state, say)
        keep(state)
    return replace(state, rows=state.rows + _divergence(training, state))


def _epoch(training: Training, state: State, say: Callable[[str], None]) -> State:
    examples, first_step = len(training.images.train_labels), state.epoch * training.steps_per_epoch
    indices = batches(examples, training.batch_size, training.seeds, state.epoch).to(training.images.device)
    window: list[Tensor] = []
    for step, index in enumerate(islice(indices, training.steps - first_step), start=first_step + 1):
        state, loss = _step(training, state, index, step)
        window.append(loss)
        if len(window) == training.curve_window:
            curve = {"batch_loss": torch.stack(window).mean(0)}
            state = replace(state, rows=state.rows + _records(training, state, step, curve))
            window = []
        state = _snapshot(training, _evaluate(training, state, step), step)
        if step in training.evaluation_steps:
            say(_progress(training, state, step, loss))
    return replace(state, epoch=state.epoch + 1)


def _snapshot(training: Training, state: State, step: int) -> State:
    if step not in training.snapshot_steps:
        return state
    return replace(state, snapshots=state.snapshots | {step: _copy(state.parameters)})


def _step(training: Training, state: State, index: Tensor, step: int) -> tuple[State, Tensor]:
    rates, batch = training.rates * training.schedule(step - 1), _gather(training, index)
    outcome = training.rule(training.network, state.parameters, batch, state.memory, rates)
    spent = Cost(*map(sum, zip(state.spent, outcome.cost, strict=True)))
    state = replace(state, parameters=outcome.parameters, memory=outcome.memory, spent=spent)
    return _mark_diverged(state, outcome.loss, step), outcome.loss


def _mark_diverged(state: State, loss: Tensor, step: int) -> State:
    newly = ~loss.isfinite() & (state.diverged_at < 0)
    return replace(state, diverged_at=torch.where(newly, step, state.diverged_at))


def _gather(training: Training, index: Tensor) -> Batch:
    """The minibatch of every member: seeds' own examples, repeated for each learning rate."""
    repeated = index.repeat(len(training.learning_rates), 1)
    inputs = training.images.train_inputs.index_select(0, repeated.flatten())
    labels = training.images.train_labels.index_select(0, repeated.flatten())
    return Batch(inputs.view(*repeated.shape, -1), labels.view(*repeated.shape, *labels.shape[1:]))


def _evaluate(training: Training, state: State, step: int) -> State:
    if step not in training.evaluation_steps:
        return state
    images, count = training.images, training.evaluation_examples
    splits = {
        "train": (images.train_inputs[:count], images.train_labels[:count]),
        "test": (images.test_inputs[:count], images.test_labels[:count]),
    }
    scored = {split: splits[split] for split in training.splits}
    scores = evaluate_splits(training.network, state.parameters, scored)
    state = _mark_diverged(state, scores["train_loss"], step)
    return replace(state, rows=state.rows + _records(training, state, step, scores))


def _divergence(training: Training, state: State) -> Rows:
    return _records(training, state, training.steps, {"diverged": (state.diverged_at >= 0).double()})


def _records(training: Training, state: State, step: int, values: dict[str, Tensor]) -> Rows:
    """One row for each member and quantity."""
    shared = {"step": step, **state.spent._asdict()}
    return [
        {"learning_rate": rate, "seed": seed, **shared, "quantity": quantity, "value": value}
        for quantity, row in values.items()
        for (rate, seed), value in zip(training.members, row.tolist(), strict=True)
    ]


def _progress(training: Training, state: State, step: int, loss: Tensor) -> str:
    diverged = int((state.diverged_at >= 0).sum())
    best = torch.where(loss.isfinite(), loss, torch.inf).min().item()
    done = f"step {step}/{training.steps}"
    return f"{done}: lowest minibatch loss {best:.3f} nats, {diverged} of {len(loss)} diverged"


def _copy(parameters: Parameters) -> Parameters:
    return {name: value.detach().clone() for name, value in parameters.items()}
