"""Where studies compute, and what is said where it is not there."""

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from project_copy import ROOT

from movingtarget_workflow.device import DEVICES, device_name, device_of
from movingtarget_workflow.plan import STUDIES
from movingtarget_workflow.run import begin
from movingtarget_workflow.settings import SettingsError

NONE_THERE = "device is cuda; allowed here: auto, cpu: torch finds no CUDA device on this machine"


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Whether there is a card, and its name."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")


@pytest.mark.parametrize("cuda", [True], indirect=True)
def test_a_card_that_is_there_is_used_unless_the_settings_say_cpu(cuda):
    assert [device_of(asked) for asked in DEVICES] == ["cuda", "cpu", "cuda"]
    assert [device_name(asked) for asked in DEVICES] == ["a card", "cpu", "a card"]


@pytest.mark.parametrize("cuda", [False], indirect=True)
def test_without_a_card_only_cuda_is_refused(cuda):
    assert [device_of(asked) for asked in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(SettingsError, match=f"^{NONE_THERE}$"):
        device_of("cuda")
    # a run whose jobs went to other machines says of itself what they were asked for
    assert [device_name(asked) for asked in DEVICES] == ["cpu", "cpu", "cuda"]


@pytest.mark.parametrize("cuda", [False], indirect=True)
def test_a_run_without_a_card_ends_with_a_line_unless_its_jobs_go_elsewhere(cuda, tmp_path):
    workflow = SimpleNamespace(
        local_exec=True, executor_plugin=SimpleNamespace(name="local"), scheduler=SimpleNamespace()
    )
    config = {"results": str(tmp_path), "device": "cuda"}
    with pytest.raises(SystemExit, match=f"^Moving Target: {NONE_THERE}$"):
        begin(workflow, config)
    workflow.local_exec = False
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    begin(workflow, config | {"results": str(elsewhere)})


def test_torch_is_not_imported_for_the_cpu():
    text = """
import sys
from movingtarget_workflow import device
device.device_of("cpu"), device.device_name("cpu")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", text], check=True)


def test_the_page_names_the_studies_that_can_use_a_card():
    page = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
    named = page.partition("These studies")[2].partition("All others")[0]
    assert {*re.findall("`([a-z_]+)`", named)} == {
        name for name, study in STUDIES.items() if study.accelerated
    }
