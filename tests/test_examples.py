"""The examples run, and the probe says of each what its first line says."""

import importlib
import sys
from pathlib import Path

import pytest

from movingtarget.probing.probe import probe
from movingtarget.probing.summary import summary

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("name", "found"), [("sequential", ["initial-scale"]), ("convnet", []), ("transformer", [])]
)
def test_the_probe_says_what_is_wrong_with_an_example(name, found):
    module = importlib.import_module(f"examples.{name}")
    assert f"examples.{name}:build" in (module.__doc__ or "")
    result = probe(*module.build())
    assert [finding.name for finding in result.findings] == found
    assert result.notes == () or "stretches" in result.notes[0]
    assert summary(result)


def test_a_training_script_with_three_lines_more(capsys):
    importlib.import_module("examples.training_script").main(epochs=2)
    said = capsys.readouterr().out
    assert said.startswith("epoch 0: ")
    assert said.splitlines()[-1].startswith("epoch 1: ")
    assert "passes forward and" in said


def test_there_are_no_others():
    scripts = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert scripts == {"sequential", "convnet", "transformer", "training_script", "digits"}
