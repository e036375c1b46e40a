"""What is cut short or changed after its job wrote it: told before a run, made again once it is deleted."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from project_copy import SMOKE, copy_project, planned, snakemake, told

from movingtarget_workflow import digests, run

TABLE = Path("results/smoke/tables/looks_linear.csv")


def cut_in_mid_line(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_at_a_lines_end(content: bytes) -> bytes:
    return content[: content.rindex(b"\n", 0, len(content) // 2) + 1]


def changed_at_the_same_size(content: bytes) -> bytes:
    return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one small table."""
    folder = copy_project(tmp_path_factory.mktemp("measured"))
    done = snakemake(folder, *SMOKE, "--", str(TABLE))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("damage", [cut_in_mid_line, cut_at_a_lines_end, changed_at_the_same_size])
def test_a_damaged_table_is_named_and_made_again_once_it_is_deleted(
    measured: Path, damage: Callable[[bytes], bytes]
):
    content = (measured / TABLE).read_bytes()
    (measured / TABLE).write_bytes(damage(content))
    for words in [["--dry-run"], []]:
        refused = snakemake(measured, *words, *SMOKE, "--", str(TABLE))
        assert refused.returncode != 0
        (line,) = told(refused)
        assert line.startswith(f"Moving Target: no longer as its job left it: {TABLE} (")
        assert line.endswith("; delete what is named, and the next start makes it again")
        assert "Traceback" not in refused.stderr
    (measured / TABLE).unlink()
    assert snakemake(measured, *SMOKE, "--", str(TABLE)).returncode == 0
    assert (measured / TABLE).read_bytes() == content


def test_a_copy_with_new_times_and_a_touched_one_are_as_their_jobs_left_them(measured: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(measured, copy, copy_function=shutil.copyfile)
    words = [*SMOKE, "--", str(TABLE)]
    assert planned(copy, *words) == {}
    assert snakemake(copy, "--touch", *words).returncode == 0
    assert planned(copy, *words) == {}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A table whose digest is kept."""
    file = tmp_path / "tables/parts/a.b.csv"
    file.parent.mkdir(parents=True)
    file.write_text("seed,value\n0,1\n")
    digests.keep([file], tmp_path)
    return file


def test_what_is_as_it_was_or_gone_or_being_made_again_is_not_told(output: Path, tmp_path: Path):
    assert [*digests.altered(tmp_path)] == []
    content = output.read_bytes()
    output.unlink()
    assert [*digests.altered(tmp_path)] == []
    output.write_bytes(content[:-4])
    assert [*digests.altered(tmp_path)] == [f"{output} (11 bytes, not 15)"]
    digests.forget([output], tmp_path)
    assert [*digests.altered(tmp_path)] == []


def test_of_a_large_file_the_size_alone_is_compared(
    output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output.write_text("seed,value\n0,2\n")
    assert [*digests.altered(tmp_path)] == [f"{output} (other bytes)"]
    monkeypatch.setattr(digests, "LARGE", 10)
    assert [*digests.altered(tmp_path)] == []


def test_a_digest_that_was_itself_cut_short_vouches_for_nothing(output: Path, tmp_path: Path):
    (kept,) = (tmp_path / "digests").rglob("*.sha256")
    kept.write_text("")
    assert [*digests.altered(tmp_path)] == [f"{output} (15 bytes, not as many as were kept)"]


def test_while_another_run_is_at_work_nothing_is_compared(output: Path, tmp_path: Path):
    output.write_text("")
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run.check_outputs(str(tmp_path))
    with pytest.raises(SystemExit, match=r"a\.b\.csv \(0 bytes, not 15\)"):
        run.check_outputs(str(tmp_path))
