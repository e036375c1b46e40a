"""The studies of faults: the probe's, and that of published tools."""

import sys
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from project_copy import ROOT

from movingtarget.cases.draft import Case
from movingtarget.data.load import Images
from movingtarget.experiments import fault_detection, peer_detection
from movingtarget.faults import made_of
from movingtarget.peers import probe
from movingtarget.peers.answer import Answer, Told
from movingtarget.tools import PEERS, TOOLS

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SIZES: dict[str, Any] = {"seeds": [1, 2], "batches": 2, "batch_size": 8, "trained_steps": 2, "passes": 9}
HARM: dict[str, Any] = {"harm_steps": 40, "harm_seeds": [0, 1], "evaluation_examples": 20}


@pytest.fixture
def square() -> Images:
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    inputs = 2 * torch.randn(3, 64, generator=source)[labels] + torch.randn(60, 64, generator=source)
    return Images(inputs[:40], labels[:40], inputs[40:], labels[40:])


@pytest.fixture
def config() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return settings


def says_too_high(case: Case, steps: int) -> Answer:
    assert steps == 9
    return Answer((Told("rate-too-high", frozenset({"rate-too-high"})),))


def test_what_the_probe_says_and_what_faults_cost(
    square: Images, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "ask", says_too_high)
    own = made_of("perceptron")
    own["faults"] = {name: own["faults"][name] for name in ("none", "rate-too-high", "rate-too-low")}
    tools = {"probe": "movingtarget.peers.probe:ask"}
    made = fault_detection.measure(square, **own, tools=tools, **SIZES, **HARM)
    assert set(made) == set(fault_detection.STUDY.tables)
    found, harm = (written(table, name) for name, table in made.items())
    assert found.groupby("fault")["detected"].mean().to_dict() == {
        "none": 0,
        "rate-too-high": 1,
        "rate-too-low": 0,
    }
    assert set(found["problem"]) == {"none"}
    accuracy = harm.groupby("fault")["value"].mean()
    assert accuracy["none"] > 0.9
    assert accuracy["rate-too-low"] < 0.8
    assert set(harm["seed"]) == {0, 1}


def test_without_the_tools_the_table_says_so(
    square: Images, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PEERS:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    own = made_of("perceptron")
    own["faults"] = {"none": None}
    tools = {name: TOOLS[name].asked_by for name in PEERS}
    (table,) = peer_detection.measure(square, kinds=[own], tools=tools, **SIZES).values()
    table = written(table, "peer_detection")
    assert set(table["tool"]) == set(PEERS)
    assert set(table["problem"]) == {"not installed"}
    assert set(table["said"]) == {"nothing"}
    assert not table["detected"].any()


def test_a_job_for_each_kind_and_one_of_all_kinds_for_others(config: dict[str, Any]) -> None:
    kinds = config["fault_detection"]["kinds"]
    jobs = fault_detection.jobs(config)
    assert [job.name for job in jobs] == kinds
    assert all(job.settings["faults"] == made_of(job.name)["faults"] for job in jobs)
    (job,) = peer_detection.jobs(config)
    assert [own["kind"] for own in job.settings["kinds"]] == kinds
    assert set(job.settings["tools"]) == set(PEERS)
    assert job.settings["seeds"] == config["fault_detection"]["peer_seeds"]
    same = ("batches", "batch_size", "trained_steps", "passes")
    assert all(job.settings[key] == jobs[0].settings[key] for key in same)


def test_others_look_at_cases_that_the_probe_looks_at(config: dict[str, Any]) -> None:
    assert set(config["fault_detection"]["peer_seeds"]) <= set(config["fault_detection"]["seeds"])
