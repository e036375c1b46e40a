"""What is usual: bands by place and role, from healthy networks of the nearest depth; likeness by profile."""

import numpy as np
import pandas as pd
import pytest
from torch import nn

from movingtarget.experiments.usual_values import STUDY
from movingtarget.probing.reference import (
    FARTHEST,
    PLACES,
    PROFILE,
    Kind,
    kind_of,
    likeness,
    placed,
    usual,
    usual_values,
)
from movingtarget.probing.result import Layer
from movingtarget.probing.verdict import GAINS
from movingtarget.statistics.bootstrap import Interval
from movingtarget.structures import GROUPS, NORMALISATION, STRUCTURES, WEIGHTS, WHOLE
from movingtarget.tables import columns


def row(
    structure="plain",
    depth=4,
    place=1,
    role=WEIGHTS,
    quantity="gradient_norm",
    healthy=1,
    ends=(1.0, 2.0, 3.0),
):
    group = STRUCTURES[structure].group
    low, middle, high = ends
    return dict(
        zip(
            STUDY.tables["usual_values"],
            (structure, group, depth, place, role, quantity, healthy, low, middle, high),
            strict=True,
        )
    )


def layer(name="0", kind="Linear", **measured):
    values = {quantity: Interval(value, value, value) for quantity, value in measured.items()}
    return Layer(name, kind, 1, values)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)), Kind("perceptron", 2)),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), Kind("perceptron, normalised", 1)),
        (nn.Sequential(nn.Conv1d(1, 1, 1), nn.Flatten(), nn.Linear(2, 1)), Kind("convnet", 2)),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.GroupNorm(1, 1)), Kind("convnet, normalised", 1)),
        (nn.TransformerEncoderLayer(4, 2, 8), Kind("transformer", 3)),
        (nn.Embedding(3, 2), Kind("perceptron", 0)),
    ],
)
def test_the_kind_of_a_network(network, expected):
    assert kind_of(network) == expected
    assert expected.group in GROUPS


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 41])
def test_places_rise_from_bottom_to_top(count):
    places = placed(count)
    assert places == sorted(places)
    assert places[-1] == PLACES
    assert count == 1 or places[0] == 1
    assert count < PLACES or {*places} == {*range(1, PLACES + 1)}


def test_bands_are_of_the_nearest_healthy_depth_and_join_structures():
    table = pd.DataFrame(
        [
            row("batch-norm", 8, ends=(1.0, 2.0, 3.0)),
            row("residual", 8, ends=(0.5, 2.0, 2.5)),
            row("residual", 8, role=NORMALISATION, ends=(7.0, 8.0, 9.0)),
            row("residual", 8, place=0, role=WHOLE, quantity="kept", ends=(0.1, 0.5, 0.9)),
            row("batch-norm", 16, quantity="update_ratio", ends=(4.0, 5.0, 6.0)),
            row("batch-norm", 20, ends=(10.0, 11.0, 12.0)),
            row("batch-norm", 10, healthy=0, ends=(20.0, 21.0, 22.0)),
            row("plain", 8, ends=(30.0, 31.0, 32.0)),
        ]
    )
    layers = [layer("0"), layer("1", "BatchNorm1d"), layer("2"), layer("3"), layer("4")]
    of_layers, whole = usual(layers, Kind("perceptron, normalised", 11), table)
    # up to twice as deep counts, deeper does not
    assert of_layers[0] == {"gradient_norm": (0.5, 3.0), "update_ratio": (4.0, 6.0), "weight_gain": GAINS}
    assert of_layers[4] == {"weight_gain": GAINS}
    assert whole == {"kept": (0.1, 0.9)}
    first = usual([layer("1", "BatchNorm1d"), layer("2")], Kind("perceptron, normalised", 11), table)[0][0]
    assert first["gradient_norm"] == (7.0, 9.0)
    # between 8 and 16 the ratio decides, not the difference
    deeper = usual(layers, Kind("perceptron, normalised", 19), table)[0][0]
    assert deeper["gradient_norm"] == (10.0, 12.0)


def test_nothing_is_usual_where_no_network_was_healthy():
    table = pd.DataFrame([row(healthy=0)])
    assert usual([layer()], Kind("perceptron", 4), table) == ([{}], {})


def profile(shares, structure, depth):
    return [
        row(structure, depth, place=place, quantity=quantity, healthy=0, ends=(share, share, share))
        for place, share in enumerate(shares, 1)
        for quantity in PROFILE
    ]


def test_likeness_is_to_the_nearest_profile_of_the_same_base():
    rising, falling = np.linspace(0, 1, PLACES), np.linspace(1, 0, PLACES)
    table = pd.DataFrame(
        [*profile(rising, "plain", 8), *profile(falling, "plain", 20), *profile(rising + 0.01, "convnet", 4)]
    )

    def layers(shares):
        return [layer(str(place), **dict.fromkeys(PROFILE, share)) for place, share in enumerate(shares)]

    assert likeness(layers(rising + 0.02), Kind("perceptron", 5), table) == "a plain net of depth 8"
    assert (
        likeness(layers(falling - 0.02), Kind("perceptron, normalised", 5), table)
        == "a plain net of depth 20"
    )
    assert likeness(layers(falling), Kind("convnet", 5), table) == ""
    assert likeness(layers(rising), Kind("transformer", 5), table) == ""
    assert likeness(layers(rising + 0.99 * FARTHEST), Kind("perceptron", 5), table) != ""
    assert likeness(layers(rising + 1.01 * FARTHEST), Kind("perceptron", 5), table) == ""


def test_likeness_to_a_healthy_network_is_not_told():
    table = pd.DataFrame(profile([0.5] * PLACES, "plain", 4)).assign(healthy=1)
    layers = [layer(str(place), **dict.fromkeys(PROFILE, 0.5)) for place in range(PLACES)]
    assert likeness(layers, Kind("perceptron", 4), table) == ""
    assert likeness(layers, Kind("perceptron", 4), table.assign(healthy=0)) == "a plain net of depth 4"


def test_likeness_is_not_told_by_a_few_places():
    table = pd.DataFrame(profile([0.5] * PLACES, "plain", 4))
    assert likeness([layer(gradient_rank=0.5)], Kind("perceptron", 1), table) == ""


def test_the_table_that_comes_with_the_library():
    table = usual_values()
    assert [*table.columns] == [*columns(STUDY.tables["usual_values"])]
    assert {*table["structure"]} == {*STRUCTURES}
    assert (table["low"] <= table["high"]).all()
    # plain nets of 20 layers and more do not train at this rate, normalised and residual ones do
    healthy = table.groupby(["structure", "depth"])["healthy"].first()
    assert healthy["plain", 20] == 0
    assert healthy["residual", 20] == 1
