"""`make verify`: what it says of two runs, its exit status, and when it cannot compare them."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from movingtarget.claims.judge import VERDICTS, judge
from movingtarget.declarations import schemas
from movingtarget.tables import write_table
from movingtarget_workflow import verify
from movingtarget_workflow.reference import keep

TABLES = ["noise_whiteness", "layer_gradients"]
CLAIM = {
    **{"id": "gradients-vanish", "kind": "check", "paper": "he2015", "place": "figure 1"},
    **{"statement": "They vanish.", "table": "layer_gradients", "estimand": "mean", "seeds": 5},
    **{"select": {"network": "plain"}, "holds_if": {"below": 3.0}, "scale": "smoke"},
}
Change = Callable[[pd.DataFrame], pd.DataFrame]


def write_run(folder: Path, change: Change = lambda table: table, **settings: object) -> Path:
    """A finished run of two tables and a claim; the second table is changed."""
    seeds = np.arange(5)
    noise = pd.DataFrame({"quantity": "rejected", "seed": seeds, "value": seeds / 10})
    places = {"activation": "relu", "network": "plain", "depth": 4, "seed": seeds, "layer": 1}
    tables = {
        "noise_whiteness": noise,
        "layer_gradients": change(pd.DataFrame(places).assign(value=seeds / 3)),
    }
    (folder / "tables").mkdir(parents=True)
    for name, table in tables.items():
        write_table(table, schemas()[name], folder / f"tables/{name}.csv")
    write_table(judge([CLAIM], tables, "default"), VERDICTS, folder / "tables/claims.csv")
    (folder / "settings.yaml").write_text(
        yaml.safe_dump({"scale": "default", "dataset": "mnist", **settings})
    )
    (folder / "figures").mkdir()
    for empty in ("record.yaml", "costs.csv", "summary.md", "figures/answers.svg"):
        (folder / empty).write_text("")
    return folder


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kept run, in a project of two tables and a claim."""
    monkeypatch.setattr(verify, "TABLES", TABLES)
    monkeypatch.setattr(verify, "claims_of", lambda: [CLAIM])
    monkeypatch.setenv("COLUMNS", "200")
    keep(write_run(tmp_path / "kept run"), TABLES, tmp_path / "reference")
    return tmp_path / "reference"


def verified(folder: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and words."""
    status = verify.main([str(folder), "--reference", str(reference)])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_the_same_run_is_identical(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(tmp_path / "run")
    status, said = verified(run, reference, capsys)
    assert status == 0
    assert said.splitlines() == [
        "tables: 2 identical",
        "claims: 1 identical",
        f"The whole: {run}/verification.csv",
    ]
    assert pd.read_csv(run / "verification.csv")["status"].tolist() == ["identical"] * 3


def test_rounding_is_within(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(tmp_path / "run", lambda table: table.assign(value=table["value"] + 1e-8))
    status, said = verified(run, reference, capsys)
    assert status == 0
    assert "tables: 1 within, 1 identical" in said
    assert "claims: 1 within" in said


def test_a_shift_is_different_and_told(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(tmp_path / "run", lambda table: table.assign(value=table["value"] + 9))
    status, said = verified(run, reference, capsys)
    assert status == 1
    claim, table = said.splitlines()[:2]
    assert table == (
        "different  table layer_gradients: 1 of 1 outside; relu plain 4 1: 9.67, reference 0.667 ± 0.925"
    )
    assert claim.startswith("different  claim gradients-vanish: 1 of 1 outside; 9.67 [")
    assert claim.endswith("; verdict not reproduced, reference reproduced")


def test_other_settings_are_named(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = write_run(tmp_path / "run", dataset="digits", training={"epochs": 3})
    status, said = verified(run, reference, capsys)
    assert status == 2
    assert said == (
        'cannot be compared: dataset is "digits" in this run and "mnist" in the reference '
        "(one more differs)\n"
    )
    assert not (run / "verification.csv").exists()


def test_a_run_that_is_not_finished_cannot_be_compared(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = write_run(tmp_path / "run")
    missing = run / "tables/layer_gradients.csv"
    missing.unlink()
    status, said = verified(run, reference, capsys)
    assert (status, said.startswith(f"cannot be compared: there is no {missing};")) == (2, True)


def test_a_damaged_table_cannot_be_compared(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = write_run(tmp_path / "run")
    table = run / "tables/layer_gradients.csv"
    table.write_text(table.read_text().replace("relu", "rely"))
    status, said = verified(run, reference, capsys)
    assert status == 2
    assert f"{table}: column activation: 'rely' is not one of relu" in said


def test_a_kept_table_that_is_cut_short_cannot_be_compared(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    kept = reference / "tables/layer_gradients.csv.xz"
    kept.write_bytes(kept.read_bytes()[:-20])
    status, said = verified(write_run(tmp_path / "run"), reference, capsys)
    assert status == 2
    assert f"cannot be compared: {kept} is damaged: " in said


def test_without_a_reference_there_is_nothing_to_compare(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = write_run(tmp_path / "run")
    assert verified(run, tmp_path / "none", capsys) == (
        2,
        f"cannot be compared: there is no reference {tmp_path}/none\n",
    )
    (reference / "tables/layer_gradients.csv.xz").unlink()
    status, said = verified(run, reference, capsys)
    assert status == 2
    assert "has no tables/layer_gradients.csv.xz" in said


def test_a_claim_that_one_run_has_not_is_different(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verify, "claims_of", lambda: [])
    status, said = verified(write_run(tmp_path / "run"), reference, capsys)
    assert status == 1
    assert "different  claim gradients-vanish: not registered" in said


def test_a_screen_is_enough():
    from movingtarget.verification.outcome import Outcome

    outcomes = [Outcome("claim", str(name), "different", told="x" * 300) for name in range(50)]
    lines = [*verify.summary(outcomes, 110)]
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 110
    assert "... and 30 more" in lines


def test_long_names_are_cut_and_numbers_are_not():
    from movingtarget.verification.outcome import Outcome

    long = [Outcome("claim", "long-" * 30, "different", told="0.25 [0.20, 0.30] was 0.5")]
    line, *_ = verify.summary(long, 110)
    assert len(line) == 110
    assert re.fullmatch(r"different  claim (long-)+.*\.\.\.: 0\.25 \[0\.20, 0\.30\] was 0\.5", line)


@pytest.mark.parametrize("text", ["", "- a\n", "training: {epochs: 1}\n"])
def test_settings_that_are_none_are_named(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
):
    run = write_run(tmp_path / "run")
    (run / "settings.yaml").write_text(text, encoding="utf-8")
    status, said = verified(run, reference, capsys)
    assert status == 2
    assert said.startswith(f"cannot be compared: {run}/settings.yaml lacks the key scale; allowed: ")
    assert said.count("\n") == 1


def test_what_an_earlier_comparison_said_goes(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = write_run(tmp_path / "run")
    assert verified(run, reference, capsys)[0] == 0
    assert (run / "verification.csv").exists()
    (reference / "claims.csv").unlink()
    status, said = verified(run, reference, capsys)
    assert status == 2
    assert "has no claims.csv" in said
    assert not (run / "verification.csv").exists()
