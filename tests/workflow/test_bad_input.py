"""Mistakes in the settings: one clear line, a non-zero exit, nothing made."""

from pathlib import Path

import pytest
from project_copy import environment, snakemake

MISTAKES = {
    "a misspelt key": ("trainin: {}", "trainin is not a key (did you mean training?)"),
    "a nested misspelt key": ("training: {epoch: 3}", "training.epoch is not a key (did you mean epochs?)"),
    "a wrong type": ("training: {epochs: many}", "training.epochs is "),
    "orders without the one to compare with": (
        "update_orders: {orders: [stale]}",
        'update_orders.orders is ["stale"]; allowed: a list of at least 1, all different, simultaneous among',
    ),
    "orders that are not evaluated at their end": (
        "update_orders: {evaluation_steps: [5, 500]}",
        "update_orders.evaluation_steps ends at 500; allowed: steps up to ",
    ),
    "curvature of members that are not there": (
        "moving_target: {curvature: {learning_rate: 0.7}}",
        "moving_target.curvature.learning_rate is 0.7; allowed: one of moving_target.learning_rates, ",
    ),
    "curvature at a step that is not measured": (
        "moving_target: {curvature: {steps: [7]}}",
        "moving_target.curvature.steps has 7; allowed: those of moving_target.steps, ",
    ),
    "out of range": ("training: {learning_rates: [0.1, -0.1]}", "training.learning_rates[1] is -0.1"),
    "an unknown network": (
        "training: {arms: [{network: plane, depth: 3, update_rule: sgd}]}",
        "training.arms[0].network is ",
    ),
    "an unknown data set": ("dataset: cifar", "dataset is "),
    "depth 0 on the line": ("line_gradients: {depths: [0]}", "line_gradients.depths[0] is 0"),
    "one grid point": ("line_gradients: {points: 1}", "line_gradients.points is 1"),
    "gates that are neither": (
        "gradient_correlation: {networks: [{network: highway, normalisation: none, gates: open}]}",
        "gradient_correlation.networks[0].gates is ",
    ),
    "no seeds": ("training: {seeds: []}", "training.seeds is "),
    "a seed twice": ("training: {seeds: [1, 1]}", "training.seeds is "),
    "a results folder that cannot be written": ("results: /proc/results", "results is '/proc/results'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_settings_is_one_clear_line(project: Path, name: str):
    text, expected = MISTAKES[name]
    (project / "config/mistake.yaml").write_text(text + "\n")
    run = snakemake(project, "--configfile", "config/mistake.yaml")
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if line.startswith("Moving Target: ")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert "Traceback" not in run.stderr
    assert not list(project.glob("results/**/*.csv"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("table: training", "table: trainings", "table"),
        ("holds_if: {below: 0}", "holds_if: {beneath: 0}", "holds_if.beneath"),
        ("id: plain-nets-degrade", "id: batch-norm-trains-faster", "batch-norm-trains-faster"),
    ],
)
def test_a_mistake_in_the_claims_names_the_claim(project: Path, before: str, after: str, expected: str):
    claims = project / "config/claims.yaml"
    claims.write_text(claims.read_text().replace(before, after, 1))
    run = snakemake(project, "--configfile", "config/smoke.yaml")
    assert run.returncode != 0
    lines = [line for line in run.stderr.splitlines() if line.startswith("Moving Target: ")]
    assert len(lines) == 1
    assert "claim" in lines[0]
    assert expected in lines[0]


def test_a_data_folder_that_is_not_there_is_named(project: Path):
    (project / "config/folder.yaml").write_text("dataset: mnist\ndata_folder: /nowhere\n")
    run = snakemake(project, "--configfile", "config/folder.yaml", "--until", "fetch_dataset")
    assert run.returncode != 0
    assert "there is no folder /nowhere" in run.stderr


def test_the_environment_of_tests_names_no_data_folder(project: Path):
    assert "MOVINGTARGET_DATA" not in environment(project)
