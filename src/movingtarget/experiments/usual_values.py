"""Experiment: what is usual in networks that the probe measures, by structure and depth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from movingtarget import work
from movingtarget.cases.build import draw_batches, named, train
from movingtarget.cases.draft import OPTIMISERS, Case
from movingtarget.data.load import Images
from movingtarget.networks.initialise import generator
from movingtarget.probing.given import Batch, Subject
from movingtarget.probing.measured import Measured, measured
from movingtarget.probing.plan import Plan
from movingtarget.probing.quantities import OF_LAYER, OF_WHOLE
from movingtarget.probing.reference import placed, role
from movingtarget.settings import COUNT, COUNTS, SEEDS, at_least, choice
from movingtarget.structures import GROUPS, NORMALISATION, STRUCTURES, WEIGHTS, WHOLE
from movingtarget.study import Config, Job, Say, Settings, Study
from movingtarget.tables import MEASURED, Schema, follows
from movingtarget.work import Data, Work

PLAN = Plan(blocks=4, batches=3, shifts=1)
"""What is measured of a user's network at 50 passes, less trials."""

PLACED: Schema = {"structure": tuple(STRUCTURES), "group": follows(GROUPS), "depth": int}
OF_PLACE: Schema = {
    "place": int,
    "role": (WEIGHTS, NORMALISATION, WHOLE),
    "quantity": tuple({**OF_LAYER, **OF_WHOLE}),
}


def jobs(config: Config) -> list[Job]:
    """A single one, of all structures."""
    settings = dict(config["usual_values"])
    depths = settings.pop("depths")
    structures = [
        {"structure": name, **STRUCTURES[name].made_of, "depths": of} for name, of in depths.items()
    ]
    return [Job("", {"structures": structures, **settings})]


PASSES = 30
"""Of a measurement by PLAN, forward and back."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Two measurements of every network, and the training between them."""
    seeds, steps = len(settings["seeds"]), settings["trained_steps"] + 2 * PASSES
    one = [
        work.ordinary_step(of["structure"], settings["batch_size"], data, depth)
        for of in settings["structures"]
        for depth in of["depths"]
    ]
    return seeds * work.total([steps * each for each in one])


STUDY = Study(
    rule="usual_values",
    settings={
        "seeds": SEEDS,
        "depths": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": choice(*STRUCTURES),
            "additionalProperties": COUNTS,
        },
        "batch_size": at_least(2),
        "trained_steps": COUNT,
        "healthy_below": {"type": "number", "exclusiveMinimum": 0},
    },
    tables={
        "usual_values": {
            **PLACED,
            **OF_PLACE,
            "healthy": follows(int),
            "low": MEASURED,
            "middle": MEASURED,
            "high": MEASURED,
        }
    },
    jobs=jobs,
    images=True,
    apart=True,
    work=counted,
)


def measure(
    images: Images,
    structures: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    batch_size: int,
    trained_steps: int,
    healthy_below: float,
    say: Say = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table usual_values: what the probe measures, by structure, depth and place, over seeds.

    Args:
        images: that networks classify.
        structures: of each, its name, `Structure.made_of` and the depths of its networks.
        seeds: of weights and batches.
        batch_size: images of each batch.
        trained_steps: after which a network is measured again.
        healthy_below: the share of the first loss below which the loss must then be, in the median
            network, for networks of this depth to count as healthy.
        say: told of progress.
    """
    found = []
    for made_of in structures:
        rows: list[dict[str, Any]] = []
        for depth in made_of["depths"]:
            say(f"{made_of['structure']}, depth {depth}")
            for seed in seeds:
                case = _case(images, made_of, depth, batch_size, seed)
                for steps in (0, trained_steps):
                    train(case, steps)
                    which = {"depth": depth, "seed": seed, "steps": steps}
                    rows += [{**which, **row} for row in _rows(_measured(case))]
        of_structure = {"structure": made_of["structure"], "group": made_of["group"]}
        found.append(usual_rows(pd.DataFrame(rows).assign(**of_structure), healthy_below))
    return {"usual_values": pd.concat(found)}


def usual_rows(table: pd.DataFrame, healthy_below: float) -> pd.DataFrame:
    """The 5th, 50th and 95th percentile over networks, new and trained together, and who is healthy."""
    keys = [*PLACED, *OF_PLACE]
    ends = table.groupby(keys, sort=False)["value"].quantile(np.array([0.05, 0.5, 0.95])).unstack()
    found = ends.set_axis(["low", "middle", "high"], axis=1).reset_index()
    losses = table[table["quantity"].eq("loss")].groupby(["depth", "steps"])["value"].median().unstack()
    healthy = losses.iloc[:, -1] < healthy_below * losses.iloc[:, 0]
    found["healthy"] = found["depth"].map(healthy).astype(int)
    ends = found[["low", "middle", "high"]]
    found[[*ends]] = ends.map(lambda value: float(f"{value:.4g}"))  # it comes with the library
    return found[[*keys, "healthy", "low", "middle", "high"]]


def _case(images: Images, made_of: Mapping[str, Any], depth: int, batch_size: int, seed: int) -> Case:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, "weights").initial_seed())
        network = named(made_of["builder"])(images.side, images.classes, depth)
    batches = draw_batches(images, 40, batch_size, seed)
    optimiser = OPTIMISERS[made_of["optimiser"]](network.parameters(), lr=made_of["learning_rate"])
    return Case(network, torch.nn.functional.cross_entropy, batches, optimiser)


def _measured(case: Case) -> Measured:
    batches = tuple(Batch(*pair) for pair in case.batches[-PLAN.read :])
    return measured(Subject(case.network, case.loss, batches, case.optimiser), PLAN, lambda line: None)


def _rows(found: Measured) -> list[dict[str, Any]]:
    """The estimates, layers of one place and role averaged."""
    whole: list[dict[Any, Any]] = [
        {"place": 0, "role": WHOLE, "quantity": name, "value": value.estimate}
        for name, value in found.whole.items()
    ]
    of_layers = [
        {"place": place, "role": role(layer.kind), "quantity": name, "value": value.estimate}
        for place, layer in zip(placed(len(found.of_layers)), found.of_layers, strict=True)
        for name, value in layer.measured.items()
    ]
    averaged = pd.DataFrame(of_layers).groupby(["place", "role", "quantity"], sort=False)["value"].mean()
    return whole + averaged.reset_index().to_dict("records")
