"""Mistakes in the wiring, made in a copy of the library: each turns a test of tests/test_wiring.py red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_copy import ROOT

LIBRARY = "src/movingtarget"

MUTATIONS: dict[str, tuple[str, str, str, str]] = {  # file, what stands there, what is put there, tests
    "smaller early and late rates swapped": (
        "update_orders.py",
        '{"factor": FALL, "reverse": False}',
        '{"factor": FALL, "reverse": True}',
        "an_order_moves_layers",
    ),
    "LocoProp-M with the squared loss": (
        "update_orders.py",
        '{"loss": "matching"}',
        '{"loss": "squared"}',
        "an_order_moves_layers or trained_by_the_order",
    ),
    "a backward sweep that goes forward": (
        "update_orders.py",
        '{"order": "backward"}',
        '{"order": "forward"}',
        "an_order_moves_layers",
    ),
    "LocoProp without its own gamma": (
        "training/by_name.py",
        "{name: given[name] for name in entry.given}",
        '{name: given[name] for name in entry.given} | ({"gamma": 1.0} if "gamma" in entry.given else {})',
        "an_order_moves_layers",
    ),
    "an unknown rule of an arm that trains plain gradient descent": (
        "training/by_name.py",
        "    if name not in ARM_RULES:\n"
        '        raise ValueError(unknown("update_rule", name, ARM_RULES))\n'
        "    return rule_of(ARM_RULES[name], given)",
        '    return rule_of(ARM_RULES.get(name, "simultaneous"), given)',
        "an_arm_of_another_rule",
    ),
    "twice the examples in a fresh batch": (
        "training/budgets.py",
        "batch_size * (len(chain(network)) if",
        "batch_size * (2 * len(chain(network)) if",
        "fresh",
    ),
    "as many fresh steps on one minibatch": (
        "update_orders.py",
        '"repeated",\n        {"fresh": True},',
        '"repeated",\n        {"fresh": False},',
        "an_order_moves_layers",
    ),
    "a random subset by Muon that goes along the gradient": (
        "update_orders.py",
        '{"direction": "muon"}',
        '{"direction": "gradient"}',
        "an_order_moves_layers",
    ),
    "a full batch that is not of the first images": (
        "experiments/update_orders.py",
        'if regime == "full-batch":',
        'if regime == "fresh":',
        "a_full_batch_is_of",
    ),
    "the sweeps of another regime set the long budget": (
        "settings.py",
        '"minibatch": "forward", "fresh": "fresh"}',
        '"minibatch": "fresh", "fresh": "forward"}',
        "long_budget",
    ),
    "all regimes with the examples of the first": (
        "experiments/update_orders.py",
        '{"examples": plan["examples"], "sweeps": plan["sweeps"]}',
        '{"examples": regimes["minibatch"]["examples"], "sweeps": plan["sweeps"]}',
        "its_own_examples",
    ),
    "three batches of population statistics between images": (
        "experiments/image_gradients.py",
        "images.train_inputs[: 10 * examples]",
        "images.train_inputs[: 3 * examples]",
        "population",
    ),
    "three batches of population statistics in training": (
        "experiments/shattering_in_training.py",
        "images.train_inputs[: 10 * examples]",
        "images.train_inputs[: 3 * examples]",
        "population",
    ),
    "one noise for both layers": (
        "measures/mutual_information/successive.py",
        "noise_like(layers[0], source), noise_like(layers[1], source)",
        "2 * (noise_like(layers[0], source),)",
        "independent_noise",
    ),
    "residual branches that are not scaled": (
        "networks/residual.py",
        'return _residual(architecture, "none", architecture.depth**-0.5)',
        'return _residual(architecture, "none", 1.0)',
        "a_family_builds",
    ),
    "batch norm that is none": (
        "networks/feedforward.py",
        'return _feedforward(architecture, "batch-norm")',
        'return _feedforward(architecture, "none")',
        "a_family_builds",
    ),
    "looks linear with weights that do not": (
        "networks/build.py",
        "weights, family.mirrored)",
        "weights, False)",
        "a_family_builds or same_function",
    ),
    "a family's own activation forgotten": (
        "networks/build.py",
        "return FAMILIES[architecture.family].activation or architecture.activation",
        "return architecture.activation",
        "a_family_builds or same_function",
    ),
    "any text for a network in a claim": (
        "arms.py",
        '"network": names_of(FAMILY)',
        '"network": str',
        "a_claim_about_an_unknown_name",
    ),
    "a figure with a table too many": (
        "figures/training_curves.py",
        'tables=("training",)',
        'tables=("training", "depth_ladder")',
        "drawn_from_as_many_tables",
    ),
    "a setting that the study does not take": (
        "experiments/looks_linear.py",
        '"examples": at_least(2),',
        '"example": at_least(2),',
        "settings_of_the_config",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mistake_in_the_wiring_turns_a_test_red(name: str, tmp_path: Path):
    file, right, wrong, tests = MUTATIONS[name]
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    mutated = tmp_path / LIBRARY / file
    text = mutated.read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{right} stands {text.count(right)} times in {file}"
    mutated.write_text(text.replace(right, wrong), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", tests]
    run = subprocess.run(
        [*words, str(ROOT / "tests/test_wiring.py")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 failed" in run.stdout or "1 error" in run.stdout, run.stdout
