"""What the report says of mutual information beside the claims: known truths, structures, estimators."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.estimators import ESTIMATORS
from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.report.moving_target import DASH
from movingtarget.settings import AS_DRAWN
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_interval, mean_of
from movingtarget.statistics.rows import divide, where

COPYING = ("plain", "residual")
"""Networks whose information is told for every noise."""

READINGS = {
    "speed-by-gaussian": "the Gaussian estimate",
    "speed-by-gaussian-noise-0-1": "the same through less noise",
    "speed-by-gaussian-noise-1-0": "through more noise",
    "speed-by-gaussian-root-mean-square": "at unit root mean square",
    "speed-by-copula": "the copula",
    "speed-by-pairwise-lower": "the lower bound by distances",
    "speed-by-pairwise-upper": "the upper bound",
    "speed-by-nearest-neighbours-of-components": "neighbours of three components",
    "speed-by-binned": "bins",
    "speed-by-sliced": "slices",
    "speed-by-alignment": "alignment",
}
"""Claims on how speed goes with information over structures, and what the text calls the reading of each."""


def information_values(tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the chapter's placeholders name under `information`.

    Args:
        tables: results tables by name, claims among them.
        settings: of the study of mutual information.
    """
    information, training = tables["mutual_information"], tables["information_training"]
    depth = max(settings["depths"]) // 2
    drawn = where(information, dial=AS_DRAWN, depth=depth, estimator="gaussian", scaling="deviation")
    usual = where(drawn, noise=settings["noise"])
    activation = settings["activations"][0]
    by_noise = {
        network: _by_noise(where(drawn, network=network, activation=activation, step=0, relation="layers"))
        for network in COPYING
    }
    weights = settings["hidden_width"] ** 2
    plain = where(usual, network="plain", activation=activation, step=0, relation="layers")["value"].mean()
    return {
        "accuracy": accuracy_table(tables["estimator_accuracy"], settings["noise"]),
        "depth": depth,
        "activation": activation,
        "structures": structures_table(usual, where(training, dial=AS_DRAWN, depth=depth)),
        "by_noise": by_noise,
        "weights": weights,
        "weights_left": prose.number(weights * float(np.exp(-plain))),
        "fallen": fallen(usual),
        "never": never(where(training, dial=AS_DRAWN)),
        "edges": edges(tables["mutual_information_search"]),
        "saturated": saturated(where(information, dial=AS_DRAWN)),
        "gain": gains(training),
        "gain_flips": gain_flips(where(tables["information_prediction"], activation=activation)),
    }


def accuracy_table(estimator_accuracy: pd.DataFrame, noise: float) -> pd.DataFrame:
    """A row of the truth and one for each estimator, at the largest dimension and one size of the noise.

    Args:
        estimator_accuracy: table of that name.
        noise: one of its sizes.

    Returns:
        Columns estimator and, for each task, as text in nats, the mean over seeds, with a remark where an
        estimate is saturated in a seed at least; "left out" for an estimator that has no part in a task.
    """
    rows = where(estimator_accuracy, dimension=estimator_accuracy["dimension"].max(), noise=noise)
    tasks = [*rows["task"].unique()]
    truths = {task: _nats(where(rows, task=task)["truth"].iloc[0]) for task in tasks}
    return pd.DataFrame(
        [{"estimator": "truth", **truths}]
        + [
            {"estimator": estimator.title}
            | {task: _mean(where(rows, task=task, estimator=name)) for task in tasks}
            for name, estimator in ESTIMATORS.items()
            if name in set(rows["estimator"])
        ]
    )


def _mean(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "left out"
    return _nats(rows["value"].mean()) + (" (saturated)" if rows["saturated"].any() else "")


def _nats(value: float) -> str:
    """With one digit after the point, for seeds differ in the next, and no sign of a zero."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", prose.MINUS)


def structures_table(information: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each network and activation.

    Args:
        information: rows of table mutual_information at one depth, by one estimator, noise and scaling.
        training: rows of table information_training of the same networks.

    Returns:
        Columns network, activation, start, branch and end (nats), left (the factor exp(-start)), steps and
        accuracy (in per cent).
    """
    rows = []
    for (network, activation), read in divide(information, "network", "activation").items():
        trained = where(training, network=network, activation=activation)
        last = where(trained, step=trained["step"].max())
        start = mean_of(read, step=0, relation="layers")
        accuracy = Interval(*(100 * end for end in mean_of(last, quantity="test_accuracy")))
        branch = mean_of(read, step=0, relation="branch")
        rows.append(
            {
                **{"network": FAMILIES[network].title, "activation": activation},
                "start": prose.interval(*start),
                "branch": DASH if np.isnan(branch.estimate) else prose.interval(*branch),
                "end": prose.interval(*mean_of(read, step=read["step"].max(), relation="layers")),
                "left": prose.number(float(np.exp(-start.estimate)), 2),
                "steps": prose.interval(*mean_of(last, quantity="steps")),
                "accuracy": prose.interval(*accuracy),
            }
        )
    return pd.DataFrame(rows)


def gains(training: pd.DataFrame) -> dict[str, Any]:
    """How the gain of orthogonal weights moves the speed of rectifiers, in the shallowest network turned.

    Args:
        training: table information_training.

    Returns:
        settings, depth, and the fewest and most steps, means over seeds; nothing without rectifiers.
    """
    steps = where(training, network="orthogonal", activation="relu", quantity="steps")
    if steps.empty:
        return {}
    depth = where(steps, dial="gain")["depth"].min()
    of_depth = steps[(steps["depth"] == depth) & steps["dial"].isin([AS_DRAWN, "gain"])]
    means = of_depth.groupby("setting")["value"].mean()
    return {
        "settings": prose.listed([f"{gain:g}" for gain in means.index]),
        "depth": depth,
        "fewest": prose.number(means.min()),
        "most": prose.number(means.max()),
    }


def fallen(information: pd.DataFrame) -> str:
    """Of how many networks the mean information is lower at the end than at the start, in words."""
    layers = where(information, relation="layers")
    networks = layers.groupby(["network", "activation", "step"], sort=False)["value"]
    ends = networks.agg(lambda values: values.mean(skipna=False)).unstack()
    first, last = ends[0], ends[ends.columns.max()]
    undefined = int(last.isna().sum())
    told = f"{int((last < first).sum())} of {len(ends) - undefined}"
    return f"{told} ({undefined} more undefined, as seeds diverged)" if undefined else told


def never(training: pd.DataFrame) -> str:
    """How many trainings do not reach the threshold, in words."""
    reached = where(training, quantity="reached")["value"]
    return f"{int((reached == 0).sum())} of {len(reached)}"


def edges(search: pd.DataFrame) -> str:
    """Networks of which no rate that was tried is known to be the best, in words; empty if there are none."""
    columns = ["network", "dial", "setting", "activation", "depth"]
    rows = where(search, place="best at an edge").drop_duplicates(columns)
    return prose.listed([_named(row) for row in rows.to_dict("records")]) if len(rows) else ""


def _named(row: Mapping[Any, Any]) -> str:
    turned = "" if row["dial"] == AS_DRAWN else f"{row['dial']} {row['setting']:g}, "
    return f"{FAMILIES[row['network']].title} ({turned}{row['activation']}, {row['depth']} layers)"


def saturated(information: pd.DataFrame) -> str:
    """Which share of the readings by bounds and bins is saturated, in words; empty without them."""
    shares = {
        ESTIMATORS[name].title: f"{prose.percent(rows['saturated'].mean())} by {ESTIMATORS[name].title}"
        for name, rows in divide(information, "estimator").items()
        if rows["saturated"].any()
    }
    return prose.listed([*shares.values()]) if shares else ""


def gain_flips(prediction: pd.DataFrame) -> str:
    """Which readings order the settings of the gain in opposite ways, in words; empty if none do.

    Args:
        prediction: rows of table information_prediction with one activation.
    """
    rows = where(prediction, varied="gain", outcome="steps", controlled="depth")
    more, fewer = [], []
    for (estimator, noise, scaling), values in divide(rows, "estimator", "noise", "scaling").items():
        _, low, high = mean_interval(values["value"])
        named = ESTIMATORS[estimator].title
        if estimator == "gaussian":
            named += f" ({scaling.replace('-', ' ')}, $\\sigma$ = {noise:g})"
        more += [named] if low > 0 else []
        fewer += [named] if high < 0 else []
    if not more or not fewer:
        return ""
    more_steps, fewer_steps = prose.listed(more), prose.listed(fewer)
    return f"more information goes with more steps by {more_steps}, and with fewer by {fewer_steps}"


def _by_noise(rows: pd.DataFrame) -> str:
    """Means through each noise, in words."""
    return prose.listed(
        [
            f"{prose.number(values['value'].mean())} nats at $\\sigma$ = {noise:g}"
            for noise, values in sorted(divide(rows, "noise").items())
        ]
    )
