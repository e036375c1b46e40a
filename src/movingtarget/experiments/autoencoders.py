"""Experiment: autoencoders trained by LocoProp and by the methods that it is compared with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from movingtarget.autoencoders import (
    AUTOENCODER,
    EPOCHS,
    METHOD,
    SETTINGS,
    architectures_of,
    first_of,
    groups,
    methods_of,
    settings_of,
    training_counted,
)
from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import Images
from movingtarget.experiments.autoencoder_search import best_trial
from movingtarget.measures.population import evaluating, population_statistics
from movingtarget.methods import METHODS
from movingtarget.networks.stack import Parameters, call
from movingtarget.settings import problems_of_seeds
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.autoencoders import plan_of, some_images, start_of
from movingtarget.training.loop import Rows, State, Training, as_data, from_data, train
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each method on each architecture and each group of seeds.

    The first architecture has all horizons, others the longest; its first group of seeds shows images.
    """
    section, first = config["autoencoders"], first_of(config)
    longest = [max(section["horizons"])]
    return [
        Job(
            f"{name}-{method}-{seeds[0]}",
            {
                **settings_of(config, name, *METHODS[method].given),
                "method": method,
                "horizons": section["horizons"] if name == first else longest,
                "seeds": seeds,
                "shown_images": section["shown_images"] if name == first and place == 0 else 0,
            },
            methods=(method,),
        )
        for name in architectures_of(config)
        for method in methods_of(config, name)
        for place, seeds in enumerate(groups(section["seeds"], section["seeds_in_a_job"]))
    ]


LIMITED = {"batch_size": "training_images", "shown_images": "test_images", "finalists": "trials"}
"""Numbers that another is the limit of."""


def problems(config: Config) -> Iterator[str]:
    """What a schema cannot tell: seeds apart, batches within the images, sgd to measure budgets by."""
    settings, side = config["autoencoders"], dataset_named(config["dataset"]).side
    pooling = settings["pooling"]
    if side % pooling:
        yield f"autoencoders.pooling is {pooling}; allowed: divisors of {side}, the side of an image"
    for few, many in LIMITED.items():
        number, most = settings[few], settings[many]
        if number > most:
            yield f"autoencoders.{few} is {number}; allowed: at most {most}, autoencoders.{many}"
    yield from _problems_of_architectures(settings["architectures"])
    first = first_of(config)
    if "sgd" not in methods_of(config, first):
        yield (
            f"autoencoders.architectures[{first}].methods lack sgd; allowed: sgd, whose cost is the budget, "
            "among them"
        )
    yield from problems_of_seeds("autoencoders")(config)


def _problems_of_architectures(architectures: Sequence[Config]) -> Iterator[str]:
    """Names that are the same, and a batch norm that differs from the first in more than that."""
    names = [described["name"] for described in architectures]
    for place, described in enumerate(architectures):
        where = f"autoencoders.architectures[{place}]"
        if described["name"] in names[:place]:
            yield f"{where}.name is {described['name']}; allowed: a name that no other has"
        if described["name"] == "batch-norm":
            for key, wanted in (
                ("hidden_widths", architectures[0]["hidden_widths"]),
                ("normalisation", "batch-norm"),
            ):
                if described[key] != wanted:
                    yield f"{where}.{key} is {described[key]}; allowed for batch-norm: {wanted}"


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A training to every horizon, the longest looked at after every epoch."""
    horizons = settings["horizons"]
    looks = max(horizons) + 2 * len(horizons)
    return training_counted(settings, data, len(settings["seeds"]), sum(horizons), looks)


STUDY = Study(
    rule="train_autoencoders",
    settings=SETTINGS,
    tables={
        "locoprop": EPOCHS,
        "locoprop_horizons": {
            **AUTOENCODER,
            "horizon": int,
            "seed": int,
            "step": follows(int),
            "flops": follows(float),
            "train_loss": MEASURED,
            "test_loss": MEASURED,
        },
        "locoprop_reconstructions": {
            "method": METHOD,
            "seed": int,
            "image": int,
            "pixel": int,
            "original": follows(float),
            "reconstruction": MEASURED,
        },
    },
    jobs=jobs,
    problems=problems,
    images=True,
    accelerated=True,
    reads=("locoprop_search",),
    resumable=True,
    work=counted,
)


def measure(
    images: Images,
    locoprop_search: pd.DataFrame,
    data: str,
    architecture: str,
    method: str,
    seeds: Sequence[int],
    horizons: Sequence[int],
    training_images: int,
    test_images: int,
    pooling: int,
    shown_images: int,
    kept: dict[str, Any] | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda data: None,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> dict[str, pd.DataFrame]:
    """Tables locoprop, locoprop_horizons and locoprop_reconstructions of one method and some seeds.

    The stack of the seeds is trained at the settings that the search has chosen, once for each horizon, with
    a schedule of its own; the longest is looked at after every epoch. Losses are those of `member_losses`
    and squared errors, summed over pixels, means over images; NaN from where a member has diverged.

    Args:
        images: their first are used.
        locoprop_search: that table.
        data: the data set's name.
        architecture: its name.
        method: a key of `METHODS`.
        seeds: trained together.
        horizons: in epochs.
        training_images: how many.
        test_images: how many.
        pooling: of `some_images`.
        shown_images: test images whose reconstructions by the first seed are kept.
        kept: what an interrupted job kept last.
        keep: called with what to go on from, after every epoch.
        say: told of progress.
        settings: of `plan_of`.
    """
    few = some_images(images, training_images, test_images, pooling)
    trial = best_trial(locoprop_search, architecture, method)
    plans = {
        horizon: plan_of(few, method, [trial], seeds, horizon, settings)
        for horizon in sorted(horizons, reverse=True)
    }
    longest = max(horizons)
    plans[longest] = evaluated_every_epoch(plans[longest])
    done = kept or {"rows": {}, "parameters": {}, "begun": None}
    for horizon in [horizon for horizon in plans if horizon not in done["rows"]]:

        def keep_state(reached: State, done: dict[str, Any] = done) -> None:
            keep({**done, "begun": as_data(reached)})

        state = from_data(done["begun"]) if done["begun"] else start_of(plans[horizon], settings)
        state = train(plans[horizon], state, keep_state, say)
        done = {
            "rows": {**done["rows"], horizon: state.rows},
            "parameters": state.parameters if horizon == longest else done["parameters"],
            "begun": None,
        }
        keep(done)
    arm = {"data": data, "architecture": architecture, "method": method}
    scores = {horizon: scores_of(rows) for horizon, rows in done["rows"].items()}
    shown = _reconstructions(plans[longest], done["parameters"], shown_images)
    return {
        "locoprop": by_epoch(scores[longest], plans[longest].steps_per_epoch).assign(**arm),
        "locoprop_horizons": _ends(scores).assign(**arm),
        "locoprop_reconstructions": shown.assign(method=method),
    }


def evaluated_every_epoch(plan: Training) -> Training:
    """The same plan, looked at at the start and after every epoch."""
    return replace(plan, evaluation_steps=range(0, plan.steps + 1, plan.steps_per_epoch))


def scores_of(rows: Rows) -> pd.DataFrame:
    """The training loop's rows as one for each seed and look, with a column for each score."""
    keys = ["seed", "step", "gradient_evaluations", "flops"]
    return pd.DataFrame(rows).pivot(index=keys, columns="quantity", values="value").reset_index()


def by_epoch(scores: pd.DataFrame, steps_per_epoch: int) -> pd.DataFrame:
    """Table locoprop without the columns that name the arm."""
    columns = [column for column in EPOCHS if column not in AUTOENCODER]
    return scores.assign(epoch=scores["step"] // steps_per_epoch)[columns]


def _ends(rows: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """The last look of each horizon."""
    columns = ["horizon", "seed", "step", "flops", "train_loss", "test_loss"]
    ends: list[pd.DataFrame] = [
        scores[scores["step"] == scores["step"].max()].assign(horizon=horizon)
        for horizon, scores in rows.items()
    ]
    return pd.concat(ends, ignore_index=True)[columns]


@torch.no_grad()
def _reconstructions(plan: Training, parameters: Parameters, shown: int) -> pd.DataFrame:
    """The first seed's reconstructions of the first test images, pixel by pixel."""
    images, pixels = plan.images.test_inputs[:shown], plan.images.features
    statistics = population_statistics(plan.network, parameters, plan.images.train_inputs, stacked=True)
    with evaluating(plan.network):
        # all test images, for the shown may be none
        logits: Tensor = call(plan.network, parameters | statistics, plan.images.test_inputs)
    reached = logits[0, :shown].sigmoid()
    return pd.DataFrame(
        {
            "seed": plan.seeds[0],
            "image": torch.arange(shown).repeat_interleave(pixels),
            "pixel": torch.arange(pixels).repeat(shown),
            "original": images.cpu().flatten().double().round(decimals=4),
            "reconstruction": reached.cpu().flatten().double().round(decimals=4),
        }
    )
