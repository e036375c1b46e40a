"""The whole DAG at smoke scale: what a run makes, and what makes it run again."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from project_copy import copy_project, snakemake

SMOKE = ["--configfile", "config/smoke.yaml"]


def planned(project: Path, *arguments: str) -> set[str]:
    """Rules that a run would execute now."""
    run = snakemake(project, *SMOKE, "--dry-run", *arguments)
    assert run.returncode == 0, run.stderr
    table = re.search(r"Job stats:\n(.*?)\n\n", run.stdout, re.DOTALL)
    rows = table[1].splitlines()[2:] if table else []
    return {row.split()[0] for row in rows} - {"total", "all"}


def test_a_run_makes_the_report_in_three_formats(finished: Path):
    for name in ["report.html", "report.pdf", "report.tex"]:
        assert (finished / "results/smoke" / name).stat().st_size > 10_000


def test_at_smoke_scale_every_claim_is_inconclusive(finished: Path):
    claims = pd.read_csv(finished / "results/smoke/tables/claims.csv")
    assert len(claims) >= 8
    assert set(claims["verdict"]) == {"inconclusive"}


def test_every_kind_of_member_learns(finished: Path):
    table = pd.read_csv(finished / "results/smoke/tables/training.csv")
    losses = table[table["quantity"] == "train_loss"].groupby(["network", "update_rule", "step"])["value"]
    for _, values in losses.mean().groupby(["network", "update_rule"]):
        assert values.iloc[-1] < 0.7 * values.iloc[0]


def test_tables_are_the_same_bytes_for_any_number_of_cores(finished: Path, tmp_path: Path):
    alone = copy_project(tmp_path)
    run = snakemake(alone, *SMOKE, "--", "results/smoke/tables/claims.csv", cores=1)
    assert run.returncode == 0, run.stderr
    tables = sorted(path.relative_to(alone) for path in alone.glob("results/smoke/tables/**/*.csv"))
    assert len(tables) == len(list(finished.glob("results/smoke/tables/**/*.csv")))
    assert len(tables) > 10
    for table in tables:
        assert untimed(alone / table) == untimed(finished / table), table


def untimed(table: Path) -> str:
    """A table's lines but for those that tell of seconds."""
    if table.name == "update_order_times.csv":
        return ""
    return "".join(line for line in table.open() if ",second," not in line and "-per-second," not in line)


def test_nothing_runs_twice(finished: Path):
    assert planned(finished) == set()


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ("figures/training_curves.svg", {"draw_training_curves", "write_report"}),
        ("tables/claims.csv", {"judge_claims", "write_report"}),
        ("tables/parts/mutual_information/plain-3-sgd.csv", {"measure_mutual_information"}),
    ],
)
def test_a_deleted_file_is_made_again_and_nothing_upstream(finished: Path, deleted: str, expected: set[str]):
    path = finished / "results/smoke" / deleted
    content = path.read_bytes()
    path.unlink()
    rules = planned(finished)
    path.write_bytes(content)
    assert expected <= rules
    assert not any(rule.startswith(("train", "fetch")) for rule in rules)


@pytest.mark.parametrize(
    ("changed", "rerun", "kept"),
    [
        (
            "figures/style.py",
            {"draw_training_curves"},
            {"train_training", "measure_line_gradients", "judge_claims"},
        ),
        (
            "measures/mutual_information.py",
            {"measure_mutual_information"},
            {"train_training", "measure_image_gradients"},
        ),
        ("measures/autocorrelation.py", {"measure_line_gradients"}, {"train_training"}),
        ("training/locoprop.py", {"train_training"}, {"fetch_dataset", "measure_line_gradients"}),
        ("report/prose.py", {"write_report"}, {"judge_claims", "draw_training_curves"}),
    ],
)
def test_a_changed_module_runs_what_uses_it_again(
    finished: Path, changed: str, rerun: set[str], kept: set[str]
):
    module = finished / "src/movingtarget" / changed
    content = module.read_text()
    module.write_text(content + "\nCHANGED = True\n")
    rules = planned(finished)
    module.write_text(content)
    assert rerun <= rules
    assert not kept & rules


def test_a_changed_setting_runs_what_uses_it_again(finished: Path):
    config = finished / "config/smoke.yaml"
    content = config.read_text()
    config.write_text(content.replace("lags: 5", "lags: 4"))
    rules = planned(finished)
    config.write_text(content)
    assert {"measure_line_gradients", "judge_claims", "write_report"} <= rules
    assert not {"train_training", "fetch_dataset", "draw_training_curves"} & rules


def test_snakemake_has_a_report_of_its_own(finished: Path):
    run = snakemake(finished, *SMOKE, "--report", "snakemake.zip")
    assert run.returncode == 0, run.stderr
    assert shutil.which("unzip") is None or (finished / "snakemake.zip").stat().st_size > 10_000


def test_every_scale_plans_the_whole_dag(project: Path):
    for overlay in [[], ["--configfile", "config/mnist.yaml"], ["--configfile", "config/paper.yaml"]]:
        run = snakemake(project, "--dry-run", *overlay)
        assert run.returncode == 0, run.stderr
        assert len(re.findall(r"^rule train_training:|Training ", run.stdout, re.MULTILINE)) >= 7
