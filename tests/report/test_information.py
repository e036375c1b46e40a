"""What the report says of information between layers, on tables made by hand."""

from itertools import product
from math import exp
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from movingtarget.estimators import ESTIMATORS
from movingtarget.report.information import (
    READINGS,
    accuracy_table,
    gain_flips,
    gains,
    information_values,
    structures_table,
)
from movingtarget.report.moving_target import DASH


def accuracy() -> pd.DataFrame:
    """Two tasks; estimates are off by a tenth of the seed, and at noise 1 or 4 columns by far more."""
    rows = [
        {"task": task, "dimension": dimension, "noise": noise, "estimator": name, "seed": seed}
        | {"truth": truth, "value": truth + shift + seed / 10 + 100 * (noise == 1.0) + 50 * (dimension == 4)}
        | {"saturated": int(name == "binned" and seed == 1 and task == "permuted")}
        for (task, truth), (name, shift) in product(
            {"uniform": 12.0, "permuted": 0.0}.items(),
            {"gaussian": -0.13, "pairwise-lower": 1.0, "binned": 5.0}.items(),
        )
        for dimension, noise, seed in product((4, 48), (0.3, 1.0), (0, 1))
        if (task, name) != ("uniform", "pairwise-lower")
    ]
    return pd.DataFrame(rows)


def test_means_over_seeds_stand_below_the_truth() -> None:
    table = accuracy_table(accuracy(), noise=0.3).set_index("estimator")
    assert [*table.index] == ["truth", "Gaussian", "distances, lower", "bins"]
    assert table["uniform"].tolist() == ["12.0", "11.9", "left out", "17.0"]
    assert table["permuted"].tolist() == ["0.0", "\N{MINUS SIGN}0.1", "1.0", "5.0 (saturated)"]


def test_a_small_negative_mean_has_no_sign() -> None:
    table = accuracy_table(accuracy().assign(value=-0.01), noise=0.3)
    assert set(table["permuted"]) == {"0.0", "0.0 (saturated)"}


def test_rows_are_in_the_order_of_figures() -> None:
    shuffled = accuracy().sample(frac=1, random_state=0)
    titles = [entry.title for entry in ESTIMATORS.values()]
    found = accuracy_table(shuffled, noise=1.0)["estimator"].tolist()[1:]
    assert found == sorted(found, key=titles.index)


SETTINGS: dict[str, Any] = {
    **{"depths": [4, 8], "noise": 0.3, "hidden_width": 10, "activations": ["tanh", "relu"]},
}


def information() -> pd.DataFrame:
    """Nats that name depth, layer, step and noise; branches 1 below; the residual net 2 above the plain."""
    rows = [
        {"network": network, "activation": activation, "depth": depth, "layer": layer, "seed": seed}
        | {
            "step": step,
            "relation": relation,
            "noise": noise,
            "estimator": "gaussian",
            "scaling": "deviation",
        }
        | {
            "value": depth
            + layer
            + 2.0 * (network == "residual")
            - step / 10
            - (relation == "branch")
            - noise
        }
        for network, activation, depth, layer, seed, step, relation, noise in product(
            ["plain", "residual"],
            ["tanh", "relu"],
            [4, 8],
            [1, 3],
            [0, 1],
            [0, 9],
            ["layers", "branch"],
            [0.3, 1.0],
        )
        if relation == "layers" or (network == "residual" and step == 0)
    ]
    frame = pd.DataFrame(rows).assign(dial="none", setting=1.0, estimator="gaussian", scaling="deviation")
    return frame.assign(saturated=(frame["seed"] == 1).astype(int))


def training() -> pd.DataFrame:
    arms = [("plain", "none", 1.0), ("residual", "none", 1.0), ("orthogonal", "none", 1.0)]
    arms += [("orthogonal", "gain", gain) for gain in (0.5, 2.0)] + [("orthogonal", "rank", 2.0)]
    rows = [
        {"network": network, "dial": dial, "setting": setting, "activation": activation, "depth": depth}
        | {"seed": seed, "step": step, "quantity": quantity}
        | {"value": value * (1 + setting) + 2 * seed + 100 * (step == 0)}
        for (network, dial, setting), activation, depth, seed, (quantity, step, value) in product(
            arms,
            ["tanh", "relu"],
            [4, 8],
            [0, 1],
            [
                ("reached", 9, 0.0),
                ("steps", 9, 10.0),
                ("train_loss", 0, 1.0),
                ("train_loss", 9, 1.0),
                ("test_accuracy", 9, 0.25),
            ],
        )
    ]
    return pd.DataFrame(rows)


def search() -> pd.DataFrame:
    arms = [
        ("orthogonal", "gain", 0.5, "relu", 4),
        ("plain", "none", 1.0, "tanh", 8),
        ("plain", "none", 1.0, "relu", 4),
    ]
    return pd.DataFrame(
        [
            {"network": network, "dial": dial, "setting": setting, "activation": activation, "depth": depth}
            | {
                "seed": seed,
                "place": "best" if activation == "relu" and dial == "none" else "best at an edge",
            }
            for network, dial, setting, activation, depth in arms
            for seed in (100, 101)
        ]
    )


def test_a_row_for_each_network_and_activation() -> None:
    read = information()
    usual = read[(read["depth"] == 4) & (read["noise"] == 0.3)]
    trained = training()
    table = structures_table(usual, trained[(trained["depth"] == 4) & (trained["dial"] == "none")])
    assert table[["network", "activation"]].to_numpy().tolist() == [
        [network, activation] for network in ("plain", "residual") for activation in ("tanh", "relu")
    ]
    plain, residual = table.iloc[0], table.iloc[2]
    assert plain["start"].startswith("5.70")  # 4 + (1 + 3) / 2 - 0.3
    assert plain["end"].startswith("4.80")
    assert residual["start"].startswith("7.70")
    assert residual["branch"].startswith("6.70")
    assert plain["branch"] == DASH
    assert plain["left"] == f"{exp(-5.7):.4f}"
    assert plain["steps"].startswith("21")  # not the loss before training
    assert plain["accuracy"].startswith("150")


def test_gains_are_of_rectifiers_at_the_least_depth_with_the_network_as_drawn() -> None:
    assert gains(training()) == {"settings": "0.5, 1 and 2", "depth": 4, "fewest": "16.0", "most": "31.0"}
    assert gains(training().query("activation == 'tanh'")) == {}


def test_values_are_of_half_the_greatest_depth_and_the_first_activation() -> None:
    claims = pd.DataFrame({"claim": [*READINGS], "verdict": "inconclusive"})
    tables = {"mutual_information": information(), "information_training": training()}
    tables |= {"estimator_accuracy": accuracy(), "claims": claims}
    tables |= {"mutual_information_search": search()}
    tables |= {"information_prediction": prediction(gaussian=0.5).assign(activation="tanh")}
    values = information_values(tables, SETTINGS)
    assert values["depth"] == 4
    assert values["by_noise"]["plain"] == "5.70 nats at $\\sigma$ = 0.3 and 5.00 nats at $\\sigma$ = 1"
    assert values["by_noise"]["residual"] == "7.70 nats at $\\sigma$ = 0.3 and 7.00 nats at $\\sigma$ = 1"
    assert values["weights"] == 100
    assert values["weights_left"] == f"{100 * exp(-5.7):.3f}"
    assert values["fallen"] == "4 of 4"
    table = information()
    chosen = (table["network"] == "residual") & (table["step"] == table["step"].max()) & (table["seed"] == 0)
    table.loc[chosen, "value"] = float("nan")
    told = information_values(tables | {"mutual_information": table}, SETTINGS)["fallen"]
    assert told == "2 of 2 (2 more undefined, as seeds diverged)"
    assert values["never"] == "12 of 24"
    assert values["edges"] == "orthogonal (gain 0.5, relu, 4 layers) and plain (tanh, 8 layers)"
    assert values["saturated"] == "50.0\N{NO-BREAK SPACE}% by Gaussian"


def prediction(**correlations: float) -> pd.DataFrame:
    """Correlations of the gain with steps, by estimator; those of other kinds are of the other sign."""
    kinds = [("gain", "steps", "depth", 1), ("rank", "steps", "depth", -1)]
    kinds += [("gain", "test_accuracy", "depth", -1), ("gain", "steps", "depth and scale", -1)]
    rows = [
        {"varied": varied, "outcome": outcome, "controlled": controlled, "estimator": estimator, "seed": seed}
        | {"noise": 0.3, "scaling": "root-mean-square", "value": sign * value + 0.01 * seed}
        for estimator, value in correlations.items()
        for varied, outcome, controlled, sign in kinds
        for seed in range(5)
    ]
    return pd.DataFrame(rows)


def test_readings_that_order_gains_in_opposite_ways_are_named() -> None:
    assert gain_flips(prediction(gaussian=-0.5, copula=0.5, alignment=0.6, sliced=-0.02)) == (
        "more information goes with more steps by copula and CKA (no nats), "
        "and with fewer by Gaussian (root mean square, $\\sigma$ = 0.3)"
    )
    assert gain_flips(prediction(gaussian=0.5, copula=0.5)) == ""
    assert gain_flips(prediction(gaussian=-0.5, sliced=float("nan"))) == ""


@pytest.mark.parametrize("name", READINGS)
def test_every_reading_is_a_claim(name: str) -> None:
    claims = yaml.safe_load((Path(__file__).parents[2] / "config/claims.yaml").read_text(encoding="utf-8"))
    (claim,) = [claim for claim in claims if claim["id"] == name]
    assert claim["question"] == "does-the-estimator-decide"
