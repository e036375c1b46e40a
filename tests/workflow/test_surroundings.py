"""The workflow where people run it: other folders, clones, locales, users, damaged files."""

import ast
import io
import os
import shutil
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
import torch
from project_copy import ROOT, SMOKE, copy_project, environment, planned, snakemake, told

from movingtarget_workflow import job as jobs
from movingtarget_workflow.run import command_of, date_back

QUICK = "results/smoke/tables/looks_linear.csv"


def test_an_archive_inside_another_repository_has_no_commit(tmp_path: Path):
    thesis = tmp_path / "thesis"
    shutil.copytree(ROOT / "src", thesis / "project/src", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "--quiet", str(thesis)], check=True)
    subprocess.run(
        [*git, "-C", str(thesis), "commit", "--quiet", "--allow-empty", "-m", "thesis"], check=True
    )
    say = "from movingtarget_workflow.version import code_version; print(code_version())"

    def version() -> str:
        source = environment(PYTHONPATH=str(thesis / "project/src"))
        return subprocess.run(
            [sys.executable, "-c", say], cwd=thesis, env=source, capture_output=True, text=True, check=True
        ).stdout

    first = version()
    assert first.startswith("sha256 ")
    (thesis / "project/src/movingtarget/names.py").write_text("CHANGED = True\n")
    assert version() != first


def test_a_run_uses_its_own_library_whichever_is_installed(tmp_path: Path):
    first, second = (copy_project(tmp_path / name) for name in ("first", "second"))
    study = second / "src/movingtarget/experiments/looks_linear.py"
    study.write_text(study.read_text() + '\nraise ValueError("this clone is used")\n')
    run = snakemake(second, *SMOKE, "--", QUICK, PYTHONPATH=str(first / "src"))
    assert run.returncode != 0
    assert "this clone is used" in run.stderr


@pytest.mark.parametrize(
    ("files", "words", "expected"),
    [
        ([], {}, "snakemake --cores 2"),
        (["config/smoke.yaml"], {}, "snakemake --cores 2 --configfile config/smoke.yaml"),
        (["a.yaml", "my own.yaml"], {}, "snakemake --cores 2 --configfile a.yaml 'my own.yaml'"),
        ([], {"dataset": "digits"}, "snakemake --cores 2 --config dataset=digits"),
        (
            ["a.yaml"],
            {"results": "a b", "training": {"seeds": [0, 1]}},
            "snakemake --cores 2 --configfile a.yaml --config 'results=a b' 'training={seeds: [0, 1]}'",
        ),
    ],
)
def test_the_command_that_starts_a_run_again_names_all_its_settings(
    files: list[str], words: dict[str, object], expected: str
):
    assert command_of(files, words) == expected


def test_the_command_in_the_report_is_that_of_the_run(project: Path):
    rules = project / "workflow/rules/report.smk"
    rules.write_text(rules.read_text() + 'import sys\nprint("AGAIN", COMMAND, file=sys.stderr)\n')
    (project / "config/my own.yaml").write_text("looks_linear: {width: 8}\n")
    files = ["--configfile", "config/smoke.yaml", "config/my own.yaml"]
    run = snakemake(project, "--dry-run", *files, "--config", "dataset=digits", "--", QUICK)
    words = "snakemake --cores 2 --configfile config/smoke.yaml 'config/my own.yaml' --config dataset=digits"
    assert f"AGAIN {words}" in run.stderr.splitlines()


@pytest.mark.parametrize("results", ["out/", "./out", "out/.", "a/../out"])
def test_the_results_folder_is_one_however_it_is_written(project: Path, results: str):
    target = "out/tables/looks_linear.csv"
    run = snakemake(project, "--dry-run", *SMOKE, "--config", f"results={results}", "--", target)
    assert run.returncode == 0, run.stderr
    assert not any(warning in run.stderr for warning in ("double '/'", "starts with './'"))


def test_a_results_folder_at_home_is_found_there(project: Path):
    (project / "config/own.yaml").write_text("results: ~/moving-target\n")
    home, cache = project / "home", str(project / "cache")
    files = ["--configfile", "config/smoke.yaml", "config/own.yaml"]
    run = snakemake(project, "--dry-run", *files, HOME=str(home), XDG_CACHE_HOME=cache)
    assert run.returncode == 0, run.stderr
    assert f"{home}/moving-target/report.html" in run.stdout
    assert not (project / "~").exists()


def test_a_key_that_stands_twice_is_refused(project: Path):
    (project / "config/own.yaml").write_text("training: {epochs: 7}\ntraining: {batch_size: 64}\n")
    run = snakemake(project, "--dry-run", "--configfile", "config/own.yaml")
    assert run.returncode != 0
    assert told(run) == [
        "Moving Target: config/own.yaml, line 2: training stands twice; allowed: each key once"
    ]


def test_a_shorter_list_of_networks_runs_and_the_figure_says_what_is_missing(project: Path):
    (project / "config/own.yaml").write_text(
        "line_gradients: {networks: [{network: feedforward, normalisation: centred}]}\n"
    )
    files = ["--configfile", "config/smoke.yaml", "config/own.yaml"]
    tables = "results/smoke/tables"
    run = snakemake(project, *files, "--", f"{tables}/gradient_autocorrelation.csv")
    assert run.returncode == 0, run.stderr
    assert (project / tables / "residual_variants.csv").read_text() == "variant,depth,beta,seed,lag,value\n"


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "nonsense"])
def test_a_backend_that_a_notebook_has_set_does_no_harm(project: Path, backend: str):
    assert snakemake(project, "--dry-run", *SMOKE, MPLBACKEND=backend).returncode == 0
    text = "from movingtarget_workflow import run; run.set_environment(run.PROJECT); import matplotlib.figure"
    source = environment(MPLBACKEND=backend, PYTHONPATH=str(ROOT / "src"))
    subprocess.run([sys.executable, "-c", text], env=source, check=True)


def test_a_user_without_a_name_or_home_can_run(project: Path):
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    words = ["unshare", "--user", "--map-user=54321", sys.executable, "-m", "snakemake", "--cores", "1"]
    nameless = {
        name: value
        for name, value in environment(HOME="/nonexistent").items()
        if name not in ("USER", "LOGNAME", "LNAME", "USERNAME", "XDG_CACHE_HOME")
    }
    run = subprocess.run(
        [*words, "--dry-run", *SMOKE], cwd=project, env=nameless, capture_output=True, text=True, check=False
    )
    if "unshare failed" in run.stderr:
        pytest.skip("namespaces are not allowed here")
    assert run.returncode == 0, run.stdout + run.stderr


def test_another_working_directory_with_its_own_config(project: Path, tmp_path: Path):
    elsewhere = tmp_path / "run"
    shutil.copytree(project / "config", elsewhere / "config")
    run = snakemake(elsewhere, "--snakefile", str(project / "Snakefile"), *SMOKE, "--", QUICK)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (elsewhere / QUICK).is_file()
    assert [path.name for path in (project / "results").iterdir()] == ["reference"]


def test_a_working_directory_without_config_gets_one_line(project: Path, tmp_path: Path):
    run = snakemake(tmp_path, "--snakefile", str(project / "Snakefile"), "--dry-run")
    assert run.returncode != 0
    assert "config/config.yaml" in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


def test_the_deployed_entry_plans_the_same_run(project: Path):
    deployed = planned(project, "--snakefile", "workflow/Snakefile", *SMOKE)
    assert {rule: count for rule, count in deployed.items() if rule != "deployed"} == planned(project)


def test_text_is_utf_8_whatever_the_locale():
    def calls(path: Path) -> list[ast.Call]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]

    def without_encoding(call: ast.Call) -> bool:
        named = isinstance(call.func, ast.Attribute) and call.func.attr in ("read_text", "write_text", "open")
        binary = any(isinstance(word, ast.Constant) and word.value == "rb" for word in call.args)
        module = isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "os.open"
        return named and not binary and not module and "encoding" not in [word.arg for word in call.keywords]

    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow/scripts").glob("*.py")]
    assert [path.name for path in files if any(map(without_encoding, calls(path)))] == []


def test_a_run_in_a_locale_without_utf_8(project: Path):
    run = snakemake(project, *SMOKE, "--", QUICK, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert run.returncode == 0, run.stderr


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """What a script knows of its job."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "_check_sources", lambda declared: None)
    return types.SimpleNamespace(
        rule="train", wildcards=["plain"], params={}, config={"results": "."}, threads=1, log=["log"]
    )


@pytest.mark.parametrize("length", [0, 1, 400])
def test_a_damaged_checkpoint_is_named_and_set_aside(running: types.SimpleNamespace, length: int):
    with jobs.job(running) as job:
        job.keep({"step": 3})
        assert job.kept() == {"step": 3}
        (checkpoint,) = Path("checkpoints").glob("*.pt")
        checkpoint.write_bytes(checkpoint.read_bytes()[:length])
        assert job.kept() is None
        assert not checkpoint.exists()
        assert checkpoint.with_suffix(".damaged").exists()
        job.keep({"step": 4})
        assert job.kept() == {"step": 4}
    assert f"{checkpoint.with_suffix('.damaged')} cannot be read" in Path("log").read_text()


def test_a_checkpoint_is_of_the_inputs_that_a_job_had(running: types.SimpleNamespace):
    """Such as a table that ranks what is trained."""
    for text, kept in (("1,2", None), ("1,2", {"step": 3}), ("2,1", None)):
        Path("table.csv").write_text(text)
        job = jobs.Job(running, io.StringIO(), ["table.csv"])
        assert job.kept() == kept
        job.keep({"step": 3})


def test_files_of_a_time_to_come_are_dated_as_of_now_and_others_stay(tmp_path: Path):
    past, to_come = tmp_path / "past", tmp_path / "tables/to_come"
    to_come.parent.mkdir()
    now = time.time()
    for file, written in {past: now - 9000, to_come: now + 9000}.items():
        file.touch()
        os.utime(file, (written, written))
    date_back(str(tmp_path))
    assert past.stat().st_mtime == now - 9000
    assert now - 10 < to_come.stat().st_mtime < now + 600


def test_a_log_that_cannot_be_written_is_one_line(
    running: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    running.log = ["/dev/full"]
    words = r"^/dev/full cannot be written: \[Errno 28\] No space left on device$"
    with pytest.raises(SystemExit, match=words), jobs.job(running):
        raise ValueError("of this the log would tell")


def test_the_last_line_of_a_log_leaves_indented_details_out(running: types.SimpleNamespace):
    with pytest.raises(SystemExit), jobs.job(running):
        raise ValueError("no data:\n  this source has none\n  nor has that one")
    text = Path("log").read_text()
    assert jobs.cause(Path("log")) == "no data:"
    assert "nor has that one" in text


def test_checkpoints_are_kept_every_five_seconds_at_most(
    running: types.SimpleNamespace, monkeypatch: pytest.MonkeyPatch
):
    with jobs.job(running) as job:
        job.keep({"step": 3})
        job.keep({"step": 4})
        assert job.kept() == {"step": 3}
        monkeypatch.setattr(jobs, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
        job.keep({"step": 5})
        assert job.kept() == {"step": 5}


def test_a_checkpoint_goes_on_on_another_device(running: types.SimpleNamespace):
    with jobs.job(running) as job:
        job.keep({"layers": [torch.ones(2)], "step": 3})
        assert job.kept()["layers"][0].device.type == "cpu"
        assert job.kept("meta")["layers"][0].device.type == "meta"
        assert job.kept("meta")["step"] == 3


class Harmful:
    """What a checkpoint somebody sent may hold."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("harm",)


def test_a_checkpoint_is_data_and_never_code(running: types.SimpleNamespace):
    with jobs.job(running) as job:
        job.keep({"step": Harmful()})
        assert job.kept() is None
    assert not Path("harm").exists()


def test_the_scheduler_takes_a_turn_when_a_job_ends_and_not_every_second(project: Path):
    tell = 'onsuccess:\n    print("limit of jobs a second:", workflow.scheduler.job_rate_limiter)\n'
    with (project / "Snakefile").open("a") as snakefile:
        snakefile.write(f"\n\n{tell}")
    run = snakemake(project, *SMOKE, "--", QUICK)
    assert run.returncode == 0, run.stderr
    assert "limit of jobs a second: None" in run.stdout + run.stderr
