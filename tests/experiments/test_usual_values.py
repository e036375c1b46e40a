"""What is usual: percentiles over networks, and who is healthy."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from project_copy import ROOT
from torch import nn

from movingtarget.cases.build import named
from movingtarget.data.load import Images
from movingtarget.experiments.usual_values import STUDY, jobs, measure, usual_rows
from movingtarget.probing.measured import measured
from movingtarget.probing.reference import kind_of
from movingtarget.structures import STRUCTURES, WEIGHTS, WHOLE


@pytest.fixture
def square():
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    inputs = 2 * torch.randn(3, 64, generator=source)[labels] + torch.randn(60, 64, generator=source)
    return Images(inputs[:40], labels[:40], inputs[40:], labels[40:])


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("depth", [4, 8])
def test_structures_are_what_the_probe_takes_them_for(name, depth):
    network = named(STRUCTURES[name].builder)(8, 3, depth)
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 3)
    kind = kind_of(network)
    assert kind.group == STRUCTURES[name].group
    # an output layer beside the hidden ones; of a transformer's blocks each has three layers, and one embeds
    layers = {"transformer": 3 * depth + 2}.get(name, depth + 1)
    assert kind.depth == layers


def test_percentiles_and_health_by_hand():
    losses = {2: ((1.0, 0.5), (1.2, 0.7), (0.8, 0.9)), 4: ((1.0, 0.95), (1.0, 0.95), (1.0, 0.1))}
    rows = [
        {
            "depth": depth,
            "seed": seed,
            "steps": steps,
            "place": 0,
            "role": WHOLE,
            "quantity": "loss",
            "value": value,
        }
        for depth, of_seeds in losses.items()
        for seed, pair in enumerate(of_seeds)
        for steps, value in zip((0, 50), pair, strict=True)
    ]
    table = pd.DataFrame(rows).assign(structure="plain", group="perceptron")
    found = usual_rows(table, healthy_below=0.9).set_index("depth")
    assert found.loc[2, "healthy"] == 1  # 0.7 of 1.0 in the median
    assert found.loc[4, "healthy"] == 0  # 0.95 of 1.0
    values = sorted(value for pair in losses[2] for value in pair)
    for name, share in (("low", 5), ("middle", 50), ("high", 95)):
        assert found.loc[2, name] == pytest.approx(np.percentile(values, share), rel=1e-3)


def test_the_table_holds_what_the_probe_measures(square, monkeypatch):
    seen = []

    def spying(subject, plan, say):
        seen.append(measured(subject, plan, say))
        return seen[-1]

    monkeypatch.setattr("movingtarget.experiments.usual_values.measured", spying)
    structures = [{"structure": "plain", **STRUCTURES["plain"].made_of, "depths": [2]}]
    table = measure(square, structures, [3], 8, 5, 0.9)["usual_values"]
    assert [*table.columns] == [*STUDY.tables["usual_values"]]
    assert len(seen) == 2  # as it is drawn, and trained
    losses = [found.whole["loss"].estimate for found in seen]
    assert losses[0] != losses[1]
    row = table[table["quantity"].eq("loss")].iloc[0]
    assert row["middle"] == pytest.approx(np.mean(losses), rel=1e-3)
    bottom = table[
        table["place"].eq(1) & table["role"].eq(WEIGHTS) & table["quantity"].eq("gradient_norm")
    ].iloc[0]
    of_bottom = [found.of_layers[0].measured["gradient_norm"].estimate for found in seen]
    assert bottom["middle"] == pytest.approx(np.mean(of_bottom), rel=1e-3)
    again = measure(square, structures, [3], 8, 5, 0.9)["usual_values"]
    pd.testing.assert_frame_equal(table, again)


def test_its_job_has_every_structure_with_what_it_is_made_of():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    (job,) = jobs(config)
    assert [entry["structure"] for entry in job.settings["structures"]] == [*STRUCTURES]
    assert all(
        isinstance(named(entry["builder"])(8, 2, 4), nn.Module) for entry in job.settings["structures"]
    )
