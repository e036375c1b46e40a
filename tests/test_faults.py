"""The registries of faults, of kinds of networks and of tools."""

import subprocess
import sys

import pytest

from movingtarget.cases.build import named
from movingtarget.faults import FAULTS, HEALTHY, KINDS, faults_of, made_of
from movingtarget.probing.findings import FINDINGS
from movingtarget.tools import PEERS, TOOLS


def test_every_fault_is_a_finding_and_every_finding_but_one_a_fault():
    assert set(FAULTS) == set(FINDINGS) - {"wrong-way"}
    assert HEALTHY not in FAULTS


def test_kinds_name_networks_and_what_is_in_their_middle():
    for kind in KINDS.values():
        network = named(kind.builder)(8, 10)
        assert network.get_submodule(kind.middle) is not None


def test_a_kind_has_the_faults_that_make_sense_for_it():
    assert "dead-rectifiers" not in faults_of("transformer")  # its units are no rectifiers
    assert "loss-summed" not in faults_of("transformer")  # Adam's steps do not depend on the loss's scale
    assert [kind for kind in KINDS if "no-normalisation" in faults_of(kind)] == ["deep"]
    assert all(set(fault.kinds) <= set(KINDS) for fault in FAULTS.values())


def test_what_is_drawn_otherwise_is_made_of_the_same():
    settings = made_of("perceptron")
    assert settings["faults"][HEALTHY] is None
    assert set(settings["network"]) == {"builder", "optimiser", "learning_rate", "middle"}
    assert settings["faults"]["rate-too-high"] == {
        "injection": "movingtarget.cases.injections:rate_too_high",
        "from_the_start": False,
    }


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_are_there_and_told_apart(tool: str):
    assert callable(named(TOOLS[tool].asked_by))
    assert (tool in PEERS) == (tool != "probe")
    looks = [(entry.title, entry.look["color"], entry.look["marker"]) for entry in TOOLS.values()]
    assert all(len(set(column)) == len(TOOLS) for column in zip(*looks, strict=True))


def test_registries_load_no_numerical_library():
    code = "import sys, movingtarget.faults, movingtarget.tools; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
