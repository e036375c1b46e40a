"""Experiment: how well LocoProp's layers solve their problems, and where their real targets have gone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.autoencoders import (
    METHOD,
    first_of,
    network_counted,
    problems_of_methods,
    settings_of,
    training_counted,
)
from movingtarget.data.load import Images
from movingtarget.experiments.autoencoder_search import best_trial
from movingtarget.networks.chain import Link, chain
from movingtarget.settings import COUNTS, choice, several
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.autoencoders import batch_of, plan_of, some_images, start_of
from movingtarget.training.local_optimisers import descent
from movingtarget.training.local_problems import Transfer, matched_transfers
from movingtarget.training.locoprop import Loss, locoprop
from movingtarget.training.loop import State, Training, train
from movingtarget.training.signals import Signal, signals_of
from movingtarget.training.simultaneous import gradients_of
from movingtarget.work import Data, Work

LOSSES: dict[str, Literal["matching", "squared"]] = {"locoprop-s": "squared", "locoprop-m": "matching"}


def jobs(config: Config) -> list[Job]:
    """One for each method, on the first architecture."""
    section, first = config["local_targets"], first_of(config)
    shared = settings_of(config, first, "seeds", "search_epochs", "iterations")
    return [
        Job(method, {**shared, "method": method, "epochs": section["epochs"]}, methods=(method,))
        for method in section["methods"]
    ]


def problems(config: Config) -> Iterator[str]:
    """Methods have settings, and it is measured before the training ends."""
    yield from problems_of_methods("local_targets")(config)
    last, length = max(config["local_targets"]["epochs"]), config["autoencoders"]["search_epochs"]
    if last >= length:
        yield f"local_targets.epochs has {last}; allowed: below {length}, autoencoders.search_epochs"


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """The training, and signals of every layer at each epoch measured."""
    seeds, layers = len(settings["seeds"]), len(network_counted(settings, data).layers)
    signals = (layers + 3) * work.gradients(network_counted(settings, data), seeds, settings["batch_size"])
    return (
        training_counted(settings, data, seeds, max(settings["epochs"]), 0)
        + len(settings["epochs"]) * signals
    )


STUDY = Study(
    rule="measure_local_targets",
    settings={"methods": several(choice(*LOSSES)), "epochs": COUNTS},
    tables={
        "local_targets": {
            "method": METHOD,
            "epoch": int,
            "layer": int,
            "seed": int,
            "quantity": ("left", "moved", "cosine"),
            "value": MEASURED,
        },
        "one_local_step": {"method": METHOD, "seed": int, "value": MEASURED},
    },
    jobs=jobs,
    problems=problems,
    images=True,
    accelerated=True,
    reads=("locoprop_search",),
    work=counted,
)


def measure(
    images: Images,
    locoprop_search: pd.DataFrame,
    data: str,
    architecture: str,
    method: str,
    seeds: Sequence[int],
    epochs: Sequence[int],
    search_epochs: int,
    training_images: int,
    test_images: int,
    pooling: int,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    r"""Tables local_targets and one_local_step of one method.

    In the course of a short training, after some epochs, every layer takes its local steps for the next
    minibatch. Its cached target is $t = f(a) - \gamma e$. Quantities, with norms over all examples and units:

    - left: $\lVert f(a') - t \rVert / \lVert f(a) - t \rVert$, a' being what the moved layer makes of its
      cached inputs: 0 if it reaches its target, 1 if it stays;
    - moved: $\lVert t'' - t' \rVert / \lVert f(a) - t \rVert$, with $t'' = f(a'') - \gamma e''$ the target
      that a new pass through the network gives once all layers have moved, and t' the one that it gives if
      this layer alone has: 0 if what the others do leaves it where it is. A layer's own way is no part of it,
      for targets go along: a layer that has reached its own has another, as far away if e has not changed;
    - cosine: of $t - f(a)$ and $t'' - t'$, as directions: positive if the others move the target on, away.

    Table one_local_step holds how far one local step of gradient descent lies from gamma times the step of
    backpropagation, relative to that.

    Args:
        images: their first are used.
        locoprop_search: that table.
        data: the data set's name.
        architecture: its name.
        method: locoprop-s or locoprop-m.
        seeds: trained together.
        epochs: after which it is measured, all below `search_epochs`.
        search_epochs: of the training.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        say: told of progress.
        settings: of `plan_of`.
    """
    few = some_images(images, training_images, test_images, pooling)
    trial = best_trial(locoprop_search, architecture, method)
    plan = plan_of(few, method, [trial], seeds, search_epochs, settings)
    state, frames = start_of(plan, settings), list[pd.DataFrame]()
    differences = _from_backpropagation(plan, state, LOSSES[method], trial.value)
    for epoch in sorted(epochs):
        say(f"epoch {epoch}")
        state = train(replace(plan, steps=epoch * plan.steps_per_epoch, evaluation_steps=()), state)
        frames.append(_one_step(plan, state, epoch, LOSSES[method], trial.value).assign(epoch=epoch))
    return {
        "local_targets": pd.concat(frames, ignore_index=True).assign(method=method),
        "one_local_step": pd.DataFrame({"seed": [*seeds], "value": differences}).assign(method=method),
    }


def _one_step(plan: Training, state: State, epoch: int, loss: Loss, gamma: float) -> pd.DataFrame:
    """The three quantities of every layer and seed, of one step from a state."""
    links, batch = chain(plan.network), batch_of(plan, epoch)
    matched = matched_transfers(links, batch.labels) if loss == "matching" else None
    transfers = matched or [nn.Identity()] * len(links)
    before = {name: value.clone() for name, value in state.parameters.items()}
    rates = plan.rates * plan.schedule(epoch * plan.steps_per_epoch)
    memory = {name: value.clone() for name, value in state.memory.items()}
    after = plan.rule(
        plan.network, {name: value.clone() for name, value in before.items()}, batch, memory, rates
    ).parameters

    def signals(*moved: Link) -> list[Signal]:
        """Every layer's signal if some have moved."""
        values = before | {name: after[name] for link in moved for name in link.names.values()}
        return signals_of(links, values, batch.inputs, batch.labels)[1]

    alone = [signals(link)[place] for place, link in enumerate(links)]
    layers = zip(transfers, signals(), alone, signals(*links), strict=True)
    return pd.concat(
        _of_layer(*layer, gamma, plan.seeds).assign(layer=place) for place, layer in enumerate(layers, 1)
    )


def _of_layer(
    transfer: Transfer, before: Signal, alone: Signal, after: Signal, gamma: float, seeds: Sequence[int]
) -> pd.DataFrame:
    """Rows of one layer, from its signals before any has moved, once it alone has, and once all have."""
    signals = (before, alone, after)
    # copies, which a transfer may overwrite
    reached = [transfer(signal.pre_activations.clone()) for signal in signals]
    targets = [at - gamma * signal.errors for at, signal in zip(reached, signals, strict=True)]
    wanted, moved = -gamma * before.errors, targets[2] - targets[1]
    whole = _norm(wanted)
    quantities = {
        "left": _norm(reached[1] - targets[0]) / whole,
        "moved": _norm(moved) / whole,
        "cosine": (wanted * moved).sum((-2, -1)) / whole / _norm(moved),
    }
    return pd.concat(
        pd.DataFrame({"seed": [*seeds], "quantity": name, "value": values.tolist()})
        for name, values in quantities.items()
    )


def _from_backpropagation(plan: Training, state: State, loss: Loss, gamma: float) -> list[float]:
    """Each seed's relative distance of a single local step from gamma times backpropagation's."""
    batch, rates = batch_of(plan, 0), torch.ones_like(plan.rates)
    copies = {name: value.clone() for name, value in state.parameters.items()}
    rule = locoprop(1, gamma, loss, descent)
    after = rule(plan.network, copies, batch, {}, rates).parameters
    _, gradients = gradients_of(plan.network, state.parameters, batch)
    moved = {name: (state.parameters[name] - after[name]) / gamma for name in after}
    off, size = (
        torch.stack([value.square().flatten(1).sum(1) for value in values]).sum(0)
        for values in ([moved[name] - gradients[name] for name in moved], gradients.values())
    )
    return [*(off / size).sqrt().tolist()]


def _norm(values: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(values, dim=(1, 2))
    return norms
