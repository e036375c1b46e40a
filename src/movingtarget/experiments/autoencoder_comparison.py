"""Experiment: what methods of training an autoencoder reach with as many epochs, FLOPs or seconds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.autoencoders import AUTOENCODER, METHOD
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import divide, where
from movingtarget.study import Job, Study
from movingtarget.tables import MEASURED, follows

BUDGETS = ("epochs", "flops", "seconds")

RIVALS = ("second-order", "half-way", "half-way of 2022", "foof", "proxprop", "locoprop-s", "locoprop-m")

STUDY = Study(
    rule="compare_autoencoders",
    settings={},
    tables={
        "locoprop_budgets": {
            **AUTOENCODER,
            "budget": BUDGETS,
            "seed": int,
            "step": follows(float),
            "train_loss": MEASURED,
            "test_loss": MEASURED,
        },
        "locoprop_gaps": {"budget": BUDGETS, "rival": RIVALS, "seed": int, "value": MEASURED},
        "locoprop_depths": {"architecture": str, "seed": int, "value": MEASURED},
        "locoprop_batch_norm": {"method": METHOD, "seed": int, "value": MEASURED},
    },
    jobs=lambda config: [Job("", {})],
    reads=("locoprop_horizons", "locoprop_costs", "locoprop_floors"),
)

OF_2022 = ("shampoo", "k-fac")
"""The second-order methods that Amid, Anil & Warmuth compare LocoProp with."""


def measure(
    locoprop_horizons: pd.DataFrame,
    locoprop_costs: pd.DataFrame,
    locoprop_floors: pd.DataFrame,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    r"""Losses at equal budgets, and what follows from them.

    The budgets are the epochs, FLOPs and seconds of SGD's longest training, on the first architecture; a
    step's seconds are the least over repetitions. A method that pays more for a step takes fewer, by a
    schedule of its own: its loss is read between its trainings to several horizons, on the line of loss
    against log steps, seed by seed. A budget shorter than its shortest training leaves it without a row;
    one longer than its longest is read at that.

    Tables: locoprop_budgets, the losses. locoprop_gaps, how far a rival is below the best first-order method
    (that of the lowest mean), the best second-order method being one rival, and the middle of both, half-way,
    another: no ratio, which would mean nothing where the second-order method is not below; half-way of 2022
    leaves out second-order methods that the paper could not know. Diverged losses are infinite, so that
    gaps may be; where both are, there is none, NaN. locoprop_depths,
    for each architecture with both, $\log((L_{Adam} - H) / (L_{LocoProp-M} - H))$ of the training losses in
    the longest training, H the images' entropy. locoprop_batch_norm, by how much batch norm lowers a
    method's.

    Args:
        locoprop_horizons: that table.
        locoprop_costs: that table.
        locoprop_floors: that table.
        say: told of nothing.
    """
    first = locoprop_horizons["architecture"].iloc[0]
    horizons = where(locoprop_horizons, architecture=first)
    budgets = _budgets(horizons, locoprop_costs)
    floor = float(where(locoprop_floors, split="train")["entropy"].iloc[0])
    longest = where(locoprop_horizons, horizon=locoprop_horizons["horizon"].max())
    longest = longest.assign(train_loss=longest["train_loss"].fillna(np.inf))
    return {
        "locoprop_budgets": budgets,
        "locoprop_gaps": _gaps(budgets),
        "locoprop_depths": _advantages(longest, floor),
        "locoprop_batch_norm": _gains(longest),
    }


def _budgets(horizons: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Every method at every budget that its trainings reach down to."""
    per_step = costs.groupby("method")[["flops", "seconds"]].min()
    steps = horizons.groupby("method")["step"].max()
    frames = []
    for method, rows in divide(horizons, "method").items():
        for budget in BUDGETS:
            prices = per_step[budget] if budget in per_step else steps * 0.0 + 1.0
            step = float(steps["sgd"] * prices["sgd"] / prices[method])
            if rows["step"].min() <= step:
                frames.append(_at_step(rows, min(step, rows["step"].max())).assign(budget=budget))
    named = pd.concat(frames, ignore_index=True)
    return named[[*STUDY.tables["locoprop_budgets"]]]


def _at_step(rows: pd.DataFrame, step: float) -> pd.DataFrame:
    """Every seed's losses on the line between the trainings that end before and after a step."""
    arm = {name: rows[name].iloc[0] for name in AUTOENCODER}
    seeds = [
        {"seed": seed, **{score: _read(own, score, step) for score in ("train_loss", "test_loss")}}
        for seed, own in divide(rows, "seed").items()
    ]
    return pd.DataFrame(seeds).assign(**arm, step=step)


def _read(own: pd.DataFrame, score: str, step: float) -> float:
    own = own.sort_values("step")
    steps: NDArray[np.float64] = np.log(own["step"].to_numpy(np.float64))
    return float(np.interp(np.log(step), steps, own[score].to_numpy(np.float64)))


def _gaps(budgets: pd.DataFrame) -> pd.DataFrame:
    """How far rivals are below the best first-order method, at each budget."""
    frames = []
    for budget, rows in divide(budgets, "budget").items():
        losses = rows.pivot(index="seed", columns="method", values="train_loss").fillna(np.inf)
        best = _best_of(losses, _of_group(losses, "first-order"))
        if second := _of_group(losses, "second-order"):
            losses["second-order"] = _best_of(losses, second)
            losses["half-way"] = (best + losses["second-order"]) / 2
        if known := [method for method in OF_2022 if method in losses]:
            losses["half-way of 2022"] = (best + _best_of(losses, known)) / 2
        for rival in [rival for rival in RIVALS if rival in losses]:
            gap = (best - losses[rival]).rename("value").reset_index()
            frames.append(gap.assign(budget=budget, rival=rival))
    return _joined(frames, "locoprop_gaps")


def _best_of(losses: pd.DataFrame, methods: list[str]) -> "pd.Series[float]":
    """The losses of the method with the lowest mean."""
    return losses[losses[methods].mean().idxmin()]


def _of_group(losses: pd.DataFrame, group: str) -> list[str]:
    return [name for name, method in METHODS.items() if method.group == group and name in losses]


def _advantages(longest: pd.DataFrame, floor: float) -> pd.DataFrame:
    """Of LocoProp-M over Adam, on every architecture that has both."""
    frames = []
    for architecture, rows in divide(longest, "architecture").items():
        losses = rows.pivot(index="seed", columns="method", values="train_loss") - floor
        if {"adam", "locoprop-m"} <= {*losses}:
            with np.errstate(divide="ignore"):  # of a finite loss over an infinite one
                ratio = np.log(losses["adam"] / losses["locoprop-m"])
            frames.append(pd.DataFrame({"value": ratio}).reset_index().assign(architecture=architecture))
    return _joined(frames, "locoprop_depths")


def _joined(frames: list[pd.DataFrame], table: str) -> pd.DataFrame:
    """The rows of a table, which may be none."""
    columns = [*STUDY.tables[table]]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _gains(longest: pd.DataFrame) -> pd.DataFrame:
    """How much lower methods end with batch norm than without, on architectures of these names."""
    losses = longest.pivot(index=["method", "seed"], columns="architecture", values="train_loss")
    if "batch-norm" not in losses:
        return pd.DataFrame(columns=[*STUDY.tables["locoprop_batch_norm"]])
    first = longest["architecture"].iloc[0]
    gains = (losses[first] - losses["batch-norm"])[losses["batch-norm"].notna() & losses[first].notna()]
    return pd.DataFrame({"value": gains}).reset_index()
