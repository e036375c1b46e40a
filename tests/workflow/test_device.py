"""Where studies compute, and what is said where it is not there."""

import re
import runpy
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from project_copy import ROOT

from movingtarget_workflow.compare_costs import config_of
from movingtarget_workflow.device import DEVICES, device_name, device_of
from movingtarget_workflow.plan import STUDIES, jobs_of, parameters
from movingtarget_workflow.run import begin
from movingtarget_workflow.settings import SettingsError

NONE_THERE = "device is cuda; allowed: auto or cpu, for torch finds no CUDA device here"


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
def test_a_run_without_a_card_ends_with_a_line_unless_its_jobs_need_none_or_go_elsewhere(cuda, tmp_path):
    planned = ["train_training", "write_report"]
    jobs = [SimpleNamespace(rule=SimpleNamespace(name=name)) for name in planned]
    workflow = SimpleNamespace(
        local_exec=True,
        executor_plugin=SimpleNamespace(name="local"),
        scheduler=SimpleNamespace(_executor=None, _local_executor=None),
        dag=SimpleNamespace(needrun_jobs=lambda: jobs),
    )

    def begun(name: str, device: str = "cuda") -> None:
        folder = tmp_path / name
        folder.mkdir()
        begin(workflow, {"results": str(folder), "device": device})

    with pytest.raises(SystemExit, match=f"^Moving Target: {NONE_THERE}$"):
        begun("here")
    begun("anywhere", "auto")
    begun("on the processor", "cpu")
    workflow.local_exec = False
    begun("elsewhere")
    workflow.local_exec = True
    del jobs[0]
    begun("the report alone")


@pytest.fixture
def script() -> dict[str, Any]:
    """The names that the script of studies defines."""
    return runpy.run_path(str(ROOT / "workflow/scripts/run_study.py"))


def test_images_members_and_what_was_kept_are_put_on_the_device(script, images, tmp_path, monkeypatch):
    monkeypatch.setattr("movingtarget.data.load.load_published", lambda dataset, folder: images)
    torch.save({0: {"weight": torch.ones(2)}}, tmp_path / "members.pt")
    job = SimpleNamespace(
        params=SimpleNamespace(study="shattering_in_training", dataset="digits"),
        input=SimpleNamespace(images=tmp_path / "SHA256SUMS", members=tmp_path / "members.pt"),
    )
    given = script["needs"](job, "meta")
    assert given["images"].device.type == "meta"
    assert given["members"][0]["weight"].device.type == "meta"
    running = SimpleNamespace(kept=lambda device: device, keep=None)
    job.params.study = "training"
    assert script["checkpoint"](job, running, "meta")["kept"] == "meta"


def test_products_have_full_precision(script):
    before = torch.get_deterministic_debug_mode()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        script["one_way"]()
        assert torch.get_deterministic_debug_mode() == 2
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def test_a_card_is_part_of_what_decides_the_jobs_that_can_use_one():
    usual = config_of("smoke.yaml")
    for name in ("training", "linear_chain"):
        part = next(iter(jobs_of(name, usual)))
        told = parameters(name, part, {**usual, "device": "cuda"})["device"]
        assert told == ("cuda" if STUDIES[name].accelerated else "cpu")
        assert parameters(name, part, usual)["device"] == "cpu"


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
