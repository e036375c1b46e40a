"""Experiment: does the information between layers at initialisation foretell how fast a network learns?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from movingtarget.estimators import ESTIMATORS
from movingtarget.experiments.mutual_information import middle_of
from movingtarget.settings import ACTIVATION, AS_DRAWN, DIALLED, FAMILY, SCALINGS, names_of
from movingtarget.statistics.rank_correlation import partial_rank_correlation
from movingtarget.statistics.rows import divide, where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.work import Data, Work

STRUCTURE = "structure"
"""What differs between networks whose weights are as they were drawn."""

CONTROLS = {"depth": ["depth"], "depth and scale": ["depth", "scale"]}
"""What is partialled out."""

OUTCOMES = ("steps", "test_accuracy")

ARM: dict[str, Any] = {
    **{"network": names_of(FAMILY), "dial": (AS_DRAWN, *DIALLED), "setting": float},
    **{"activation": names_of(ACTIVATION), "depth": int, "seed": int},
}
"""Columns that name an arm and its seed."""

READING: dict[str, Any] = {"estimator": tuple(ESTIMATORS), "noise": float, "scaling": SCALINGS}
"""Columns that say how layers were read."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """A rank correlation for each seed, reading, outcome and control, over networks and over dials."""
    read = config["mutual_information"]
    readings = len(read["noises"]) * len(SCALINGS) + len(read["estimators"])
    correlations = len(OUTCOMES) * len(CONTROLS) * (1 + len(read["dials"])) * len(read["activations"])
    return Work(calls=100 * len(read["seeds"]) * readings * correlations)


STUDY = Study(
    rule="measure_information_prediction",
    settings={},
    tables={
        "initial_information": {
            **{**ARM, **READING},
            **dict.fromkeys(["information", *OUTCOMES, "train_loss", "reached", "scale"], MEASURED),
        },
        "information_prediction": {
            "varied": (STRUCTURE, *DIALLED),
            "activation": names_of(ACTIVATION),
            **READING,
            "outcome": OUTCOMES,
            "controlled": tuple(CONTROLS),
            "seed": int,
            "value": MEASURED,
        },
    },
    jobs=lambda config: [Job("", {})],
    reads=("mutual_information", "information_training"),
    work=counted,
)


def measure(
    mutual_information: pd.DataFrame,
    information_training: pd.DataFrame,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Tables initial_information, and information_prediction: rank correlations over networks, by seed.

    They are of the information between the middle layers at the start, by every estimator, with the steps to
    the threshold and with the test accuracy at the end: over structures and depths, and over a dial's
    settings and depths, what is `controlled` partialled out.

    Args:
        mutual_information: that table.
        information_training: that table.
        say: told of nothing.
    """
    arms = initial_information(mutual_information, information_training)
    rows = [
        {
            **{"varied": varied, "activation": activation, "outcome": outcome, "controlled": controlled},
            **dict(zip(["seed", *READING], key, strict=True)),
            "value": correlation(group, outcome, controls),
        }
        for varied, compared in of_each_variation(arms)
        for activation, of_activation in divide(compared, "activation").items()
        for key, group in divide(of_activation, "seed", *READING).items()
        for outcome in OUTCOMES
        for controlled, controls in CONTROLS.items()
    ]
    return {"initial_information": arms, "information_prediction": pd.DataFrame(rows)}


def correlation(arms: pd.DataFrame, outcome: str, controls: Sequence[str]) -> float:
    """Rank correlation of information and outcome, controls partialled out; those that do not vary are none.

    Information is ranked to a thousandth of a nat: where a dial does not move it, only rounding does.

    >>> arms = pd.DataFrame({"information": [1.0, 2.0, 3.0], "steps": [9, 5, 1], "depth": 4})
    >>> round(correlation(arms, "steps", ["depth"]), 6)
    -1.0
    """
    held = [arms[name] for name in controls if arms[name].nunique() > 1]
    return partial_rank_correlation(arms["information"].round(3), arms[outcome], *held).item()


def initial_information(information: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Readings of every arm's middle pair at the start, with how the arm trained in further columns."""
    initial = where(information, step=0, relation="layers")
    middle = initial[initial["layer"] == initial["depth"].map(middle_of)]
    named = middle[[*ARM, *READING, "value"]].rename(columns={"value": "information"})
    return named.merge(outcomes(training), on=[*ARM])


def outcomes(information_training: pd.DataFrame) -> pd.DataFrame:
    """How arms have trained, a column for each quantity at the end and the scale at the start.

    Where training has diverged, the accuracy counts as 0.
    """
    last = information_training["step"] == information_training["step"].max()
    kept = information_training[last | (information_training["quantity"] == "scale")]
    table: pd.DataFrame = kept.pivot(index=[*ARM], columns="quantity", values="value").reset_index()
    table["test_accuracy"] = table["test_accuracy"].fillna(0.0)
    return table


def of_each_variation(arms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What is compared: networks as drawn; and for each dial those that it turns, as drawn among them."""
    drawn = where(arms, dial=AS_DRAWN)
    yield STRUCTURE, drawn
    for dial, rows in divide(arms[arms["dial"] != AS_DRAWN], "dial").items():
        turned = drawn[(drawn["network"] == DIALLED[dial]) & drawn["depth"].isin(rows["depth"])]
        yield dial, pd.concat([turned, rows])
