"""A run that is kept: what it says of itself, what is kept of it, and the one in git."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from project_copy import ROOT, planned, snakemake, told

from movingtarget.claims.judge import VERDICTS, judge
from movingtarget.declarations import schemas
from movingtarget.tables import read_table
from movingtarget_workflow import plan
from movingtarget_workflow.record import COSTS, OF_THE_PLACE, as_yaml, costs_of, made, settings_of
from movingtarget_workflow.reference import keep, kept_settings, kept_table
from movingtarget_workflow.run import CLAIMS, claims_of

IN_GIT = ROOT / "results/reference/default"


def config() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return settings


def test_settings_come_back_as_they_were_and_say_no_place():
    settings = settings_of(config())
    assert yaml.safe_load(as_yaml(settings)) == settings
    assert {*config()} - {*settings} == {*OF_THE_PLACE}


def test_nothing_in_a_record_identifies_the_machine():
    record = as_yaml(made("cpu"))
    keys = {"date", "code", "processor", "device", "cores", "memory", "system", "versions"}
    assert keys == {*yaml.safe_load(record)}
    for name in (os.uname().nodename, str(ROOT), str(Path.home())):
        assert name not in record


def test_costs_are_those_of_each_job(tmp_path: Path):
    (tmp_path / "train").mkdir()
    for name, memory in {"train/a": "12.5", "judge": "-"}.items():
        (tmp_path / f"{name}.tsv").write_text(f"s\tmax_rss\tcpu_time\n2.5\t{memory}\t2.0\n")
    costs = costs_of(["train/a", "judge"], tmp_path)
    assert costs[["job", "rule"]].to_numpy().tolist() == [["train/a", "train"], ["judge", "judge"]]
    assert costs["memory"].tolist()[0] == 12.5
    assert costs["memory"].isna().tolist() == [False, True]
    assert {*costs} == {*COSTS}


def finished(folder: Path) -> Path:
    """A results folder in which every table has a line."""
    (folder / "tables").mkdir(parents=True)
    for table in [*plan.TABLES, "claims"]:
        (folder / f"tables/{table}.csv").write_text(f"{table}\n")
    (folder / "figures").mkdir()
    for record in ("settings.yaml", "record.yaml", "costs.csv", "summary.md", "figures/answers.svg"):
        (folder / record).write_text(as_yaml(settings_of(config())))
    return folder


def test_a_run_is_kept_in_the_same_bytes_and_old_tables_go(tmp_path: Path):
    run = finished(tmp_path / "run")
    stale = tmp_path / "a/tables/stale.csv.xz"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    for folder in ("a", "b"):
        keep(run, plan.TABLES, tmp_path / folder)
    files = {path.relative_to(tmp_path / "a"): path for path in (tmp_path / "a").rglob("*.*")}
    assert all((tmp_path / "b" / name).read_bytes() == path.read_bytes() for name, path in files.items())
    assert not stale.exists()
    assert len(files) == len(plan.TABLES) + 6
    assert pd.read_csv(kept_table("training", tmp_path / "a")).columns.tolist() == ["training"]


def from_kept(folder: str, results: str = "results/again") -> list[str]:
    return ["--config", f"tables_from={folder}", f"results={results}"]


def test_from_kept_tables_nothing_is_trained_and_everything_drawn(project: Path):
    keep(finished(project / "run"), plan.TABLES, project / "kept")
    rules = planned(project, *from_kept("kept"))
    assert {*rules} == {"take_reference", "judge_claims", "write_report", *plan.drawing_rules()}


def test_settings_are_those_of_the_kept_run(project: Path):
    run = finished(project / "run")
    (run / "settings.yaml").write_text(as_yaml(settings_of(config()) | {"scale": "smoke"}))
    keep(run, plan.TABLES, project / "kept")
    taken = snakemake(project, *from_kept("kept"), "--", "results/again/tables/training.csv")
    assert taken.returncode == 0, taken.stderr
    assert (project / "results/again/tables/training.csv").read_text() == "training\n"
    assert (project / "results/again/settings.yaml").read_text() == (run / "settings.yaml").read_text()


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ("record.yaml", "tables_from is 'kept', which has no record.yaml; allowed: a folder that"),
        ("tables/training.csv.xz", "tables_from is 'kept', which has no tables/training.csv.xz; allowed:"),
        (
            "settings.yaml",
            "kept/settings.yaml is not of this code: trainin is not a key (did you mean training?)",
        ),
    ],
)
def test_what_is_not_whole_is_told_in_one_line(project: Path, broken: str, line: str):
    keep(finished(project / "run"), plan.TABLES, project / "kept")
    if broken == "settings.yaml":
        (project / "kept/settings.yaml").write_text(as_yaml(settings_of(config()) | {"trainin": {}}))
    else:
        (project / "kept" / broken).unlink()
    run = snakemake(project, "--dry-run", *from_kept("kept"))
    assert run.returncode != 0
    assert [said.startswith(f"Moving Target: {line}") for said in told(run)] == [True]


def test_the_reference_in_git_is_small_and_has_the_settings_of_the_default_scale():
    assert sum(path.stat().st_size for path in IN_GIT.rglob("*") if path.is_file()) <= 5e6
    assert kept_settings(IN_GIT) == settings_of(config())


def test_the_verdicts_in_git_are_those_of_its_tables():
    tables = {table: read_table(kept_table(table, IN_GIT), schemas()[table]) for table in plan.TABLES}
    verdicts = judge(claims_of(ROOT / CLAIMS), tables, "default")
    pd.testing.assert_frame_equal(verdicts, read_table(IN_GIT / "claims.csv", VERDICTS), rtol=1e-9)


def test_the_costs_in_git_are_those_of_every_job():
    costs = read_table(IN_GIT / "costs.csv", COSTS)
    assert costs["job"].tolist() == plan.cost_names(config())
