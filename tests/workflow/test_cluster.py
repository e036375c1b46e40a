"""What jobs ask of a cluster, which go there together, and what is said where it lacks what they ask for."""

import asyncio
import dataclasses
import getpass
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from project_copy import ROOT
from snakemake.resources import Resources

from movingtarget.study import Config
from movingtarget_workflow import cluster, costs, plan
from movingtarget_workflow.cluster import Node, Request
from movingtarget_workflow.costs import expected
from movingtarget_workflow.plan import STUDIES, jobs_of
from movingtarget_workflow.settings import SettingsError

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
MAIN = [Node(8000, 4, 600), Node(4000, 16, 600)]
PARTITIONS = {"main": MAIN, "": MAIN, "long": [Node(2000, 1, float("inf"))]}


@pytest.fixture
def config() -> Any:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a command of SLURM's on the path, as a shell script."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def install(command: str, script: str) -> None:
        (tmp_path / command).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / command).chmod(0o755)

    return install


@pytest.fixture
def left_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """This process stays as it is after a run was prepared; what would be done at its end."""
    at_exit: list[tuple[Any, ...]] = []
    for limits in ("_most", "_most_in_group"):
        monkeypatch.setattr(cluster, limits, {})
    monkeypatch.setattr(cluster.atexit, "register", lambda *call: at_exit.append(call))
    before = signal.getsignal(signal.SIGINT)
    yield at_exit
    signal.signal(signal.SIGINT, before)


def of_part(part: str) -> SimpleNamespace:
    return SimpleNamespace(part=part)


def group_of_part(name: str, config: Config, part: str = "") -> str | None:
    of_jobs = cluster.group_of(name, config)
    return of_jobs and of_jobs(of_part(part))


def test_each_attempt_may_take_more_and_the_first_more_than_is_expected(config):
    for name in STUDIES:
        asked = cluster.resources_of(name, config)
        for part, job in jobs_of(name, config).items():
            cost = expected(name, job, config)
            for attempt in (1, 2, 3):
                assert asked["mem_mb"](of_part(part), attempt) > 2 * attempt * cost.memory
                assert asked["runtime"](of_part(part), attempt) > 2 * attempt * cost.seconds / 60


def test_without_rates_of_earlier_runs_each_job_goes_alone_with_time_enough(config, monkeypatch):
    monkeypatch.setattr(costs, "RATES", Path("nowhere.csv"))
    costs.rates.cache_clear()
    try:
        assert group_of_part("whiteness", config) is None
        assert cluster.resources_of("whiteness", config)["runtime"](of_part(""), 1) > 60
    finally:
        costs.rates.cache_clear()


def test_jobs_that_are_timed_have_a_node_for_themselves(config):
    alone = {name for name in STUDIES if "slurm_extra" in cluster.resources_of(name, config)}
    assert alone == {"autoencoder_times", "update_order_times"}
    assert {cluster.group_of(name, config) for name in alone} == {None}


def test_jobs_that_can_use_a_card_ask_for_one_and_go_alone_where_the_settings_say_cuda(config):
    accelerated = {name for name, study in STUDIES.items() if study.accelerated}
    assert {"training", "update_orders"} <= accelerated
    for device, asking in {"cpu": set(), "auto": set(), "cuda": accelerated}.items():
        chosen = config | {"device": device}
        asked = {name: cluster.resources_of(name, chosen).get("gpu") for name in STUDIES}
        assert asked == {name: 1 if name in asking else None for name in STUDIES}
        assert {cluster.group_of(name, chosen) for name in asking} <= {None}
    part = of_part(next(iter(jobs_of("training", config))))
    chosen = [config | {"device": device} for device in ("cpu", "cuda")]
    memory = [cluster.resources_of("training", one)["mem_mb"](part, 1) for one in chosen]
    assert memory[1] - memory[0] == cluster.CARD_MEGABYTES


def test_short_jobs_go_together_and_long_ones_alone(config):
    local = {name for name, study in STUDIES.items() if study.turns_tables}
    for name in set(STUDIES) - {"autoencoder_times", "update_order_times"} - local:
        for part, job in jobs_of(name, config).items():
            short = expected(name, job, config).seconds < 60
            assert group_of_part(name, config, part) == (f"level-{cluster.level(name)}" if short else None)


def test_what_turns_tables_into_others_stays_on_the_login_node(config):
    here = {name for name in STUDIES if cluster.resources_of(name, config).get("login_node") == 1}
    assert here == {name for name, study in STUDIES.items() if study.turns_tables}
    assert "autoencoder_search" in here
    assert {cluster.group_of(name, config) for name in here} == {None}  # else snakemake sends it


@pytest.mark.parametrize(
    "change",
    [{"images": True}, {"members": "training"}, {"reads": ()}, {"work": STUDIES["whiteness"].work}],
)
def test_a_study_that_does_more_than_turn_tables_is_sent(change: dict[str, Any]):
    study = STUDIES["autoencoder_search"]
    assert study.turns_tables
    assert not dataclasses.replace(study, **change).turns_tables


def test_no_study_that_goes_to_the_cluster_waits_for_one_of_its_own_level():
    def waits_for(name: str) -> set[str]:
        return {*plan.needed(name)}.union(*map(waits_for, plan.needed(name)))

    there = {name for name, study in STUDIES.items() if not study.turns_tables}
    for name in there:
        assert all(cluster.level(other) < cluster.level(name) for other in waits_for(name) & there)


def test_the_profile_names_every_level():
    grouped = {entry.partition("=")[0] for entry in PROFILE["group-components"]}
    there = {name for name, study in STUDIES.items() if not study.turns_tables}
    assert grouped == {f"level-{cluster.level(name)}" for name in there}


def test_the_profile_limits_what_runs_on_the_login_node():
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    assert PROFILE["resources"] == {"login_node": 2}
    assert rules.count("localrule: True") == rules.count("login_node=1") > 0
    assert rules.count("localrule: study.turns_tables") == 1


def test_what_a_partition_has_passes():
    for partition, asked in [
        ("main", Node(4000, 16, 600)),
        ("", Node(8000, 4, 600)),
        ("long", Node(1, 1, 1e9)),
        ("main,long", Node(1, 1, 1e9)),
    ]:
        cluster.check_requests([Request("a", partition, "", asked)], PARTITIONS)


@pytest.mark.parametrize(
    ("partition", "asked", "line"),
    [
        (
            "gpu",
            Node(1, 1, 1),
            "slurm_partition is gpu; allowed, for they have a node that is up: long, main",
        ),
        (
            "main,gpu",
            Node(1, 1, 1),
            "slurm_partition is gpu; allowed, for they have a node that is up: long, main",
        ),
        (
            "main",
            Node(8000, 16, 600),
            "train/a asks for 8000 MB of memory and 16 cores and 600 minutes; "
            "allowed: what one node of partition main has",
        ),
        (
            "main",
            Node(8001, 1, 1),
            "train/a asks for 8001 MB of memory; allowed: at most 8000, which is what",
        ),
        (
            "main",
            Node(1, 17, 1),
            "train/a asks for 17 cores; allowed: at most 16, which is what partition main has "
            "(cores in the profile, or --cores)",
        ),
        ("main", Node(1, 1, 601), "train/a asks for 601 minutes; allowed: at most 600, which is what"),
    ],
)
def test_what_a_partition_lacks_is_said_in_one_line(partition: str, asked: Node, line: str):
    with pytest.raises(SettingsError, match=f"^{re.escape(line)}( partition main has \\(.*\\))?$"):
        cluster.check_requests([Request("train/a", partition, "", asked)], PARTITIONS)


def test_nodes_are_read_from_sinfo(slurm):
    lines = [
        "main*|8000|4|10:00:00|idle|up",
        "main*|4000+|16+|10:00:00|mixed|up",
        "main*|99999|99|10:00:00|down*|up",
        "long|2000|1|infinite|drained|up",
        "spare|2000|1|infinite|idle|down",
    ]
    slurm("sinfo", "\n".join(f"echo '{line}'" for line in lines))
    assert cluster.nodes() == PARTITIONS


@pytest.mark.parametrize("limit", ["UNLIMITED", "n/a", "INVALID"])
def test_what_is_no_time_is_no_limit(limit: str):
    assert cluster.minutes(limit) == float("inf")


def test_jobs_that_another_run_has_sent_from_a_folder_are_read_from_squeue(slurm, tmp_path):
    folder = tmp_path / "link"
    folder.symlink_to(tmp_path)
    lines = [
        f"7|{tmp_path}|rule_a",
        "8|/elsewhere|rule_a",
        f"9|{tmp_path}|(null)",
        f"10|{tmp_path}|rule_b_c|d",
        f"11|{folder}|rule_a",
    ]
    slurm("squeue", "\n".join(f"echo '{line}'" for line in lines))
    assert cluster.jobs_in(folder) == ["7", "10", "11"]


def test_an_account_that_slurm_does_not_take_is_said_with_its_reason(slurm):
    slurm("sbatch", 'case "$*" in *mine*) exit 0;; esac; echo "sbatch: error: Invalid account" >&2; exit 1')
    cluster.check_account("main", "mine")
    for account in ("", "other"):
        with pytest.raises(SettingsError, match=r"^SLURM says: sbatch: error: Invalid account$"):
            cluster.check_account("main", account)


def test_a_slurm_that_forgets_jobs_before_they_are_seen_is_refused(slurm):
    slurm("scontrol", "echo 'MinJobAge               = 300 sec'")
    cluster.check_job_age()
    slurm("scontrol", f"echo 'MinJobAge               = {cluster.LEAST_AGE} sec'")
    cluster.check_job_age()
    slurm("scontrol", "echo 'MinJobAge               = 60 sec'")
    with pytest.raises(SettingsError, match=r"^SLURM forgets jobs 60 seconds after their end"):
        cluster.check_job_age()


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (
            "echo 'sinfo: error: first' >&2; echo 'Unable to contact controller' >&2; exit 1",
            "Unable to contact controller",
        ),
        ("echo >&2; exit 1", "sinfo failed"),
    ],
)
def test_what_slurm_says_when_it_fails_is_said_in_one_line(slurm, script: str, line: str):
    slurm("sinfo", script)
    with pytest.raises(SettingsError, match=f"^SLURM says: {line}$"):
        cluster.nodes()


def test_a_machine_without_slurm_is_said_in_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match=r"^SLURM does not answer: .*sinfo"):
        cluster.nodes()


def test_a_slurm_that_takes_too_long_is_said_in_one_line(monkeypatch):
    def hang(command: list[str], **settings: Any) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(SettingsError, match=r"^SLURM does not answer: .*sinfo.* timed out after 60 seconds$"):
        cluster.nodes()


@pytest.mark.parametrize("executor", ["slurm", "local"])
def test_a_run_whose_jobs_have_not_ended_is_named_before_another_is_begun(
    slurm, left_alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    run = run_on(slurm, Planned("train"))
    run.executor_plugin.name = executor
    cluster.prepare(run)
    slurm("squeue", f"echo '7|{Path.cwd()}|rule_a'")
    with pytest.raises(SettingsError, match=r"^jobs of another run in this folder .*scancel 7$"):
        cluster.prepare(run)


@pytest.mark.parametrize("sent", [True, False])
def test_a_run_on_this_machine_needs_no_slurm_and_asks_none_to_which_nothing_was_sent(
    slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bool
):
    monkeypatch.chdir(tmp_path)
    if sent:
        (tmp_path / ".snakemake/slurm_logs").mkdir(parents=True)
    slurm("squeue", f"touch {tmp_path}/asked; exit 1")
    cluster.prepare(SimpleNamespace(executor_plugin=SimpleNamespace(name="local")))
    assert (tmp_path / "asked").exists() == sent


def test_partitions_none_of_which_is_up_are_said():
    line = "slurm_partition is main; allowed, for they have a node that is up: none now"
    with pytest.raises(SettingsError, match=f"^{line}$"):
        cluster.check_requests([Request("train/a", "main", "", Node(1, 1, 1))], {})


@pytest.mark.parametrize("command", ["squeue", "sacct"])
def test_how_long_slurm_remembers_matters_where_squeue_is_asked(slurm, left_alone, command: str):
    run = run_on(slurm, Planned("train"))
    run.executor_settings.status_command = command
    slurm("scontrol", "echo MinJobAge = 60")
    if command == "sacct":
        cluster.prepare(run)
    else:
        with pytest.raises(SettingsError, match=r"^SLURM forgets jobs"):
            cluster.prepare(run)


def test_an_interruption_ends_what_is_sent_and_waits_for_what_runs_here(slurm, left_alone):
    run = run_on(slurm, Planned("train"))
    cluster.prepare(run)
    run.scheduler._executor.cancel()
    assert run.scheduler.ended == ["there", "here"]


class Asked(dict[str, Any]):
    """Resources by name, as attributes too."""

    __getattr__ = dict.__getitem__


class Planned:
    """A job, or a group of some, as snakemake has it."""

    wildcards = ("a",)

    def __init__(
        self, rule: str, is_local: bool = False, group: bool = False, threads: int = 1, **asked: Any
    ) -> None:
        self.threads = threads
        usual = {"slurm_partition": "main", "slurm_account": "mine", "mem_mb": 1000, "runtime": 10}
        self.rule, self.is_local, self.is_group = SimpleNamespace(name=rule), is_local, lambda: group
        self.resources = Asked({**usual, **asked})
        self.jobs = [self]


def test_a_card_that_slurm_has_not_is_said_with_its_reason(slurm):
    slurm("sbatch", 'case "$*" in *gpus*) echo "Invalid generic resource" >&2; exit 1;; esac')
    cluster.check_account("main", "mine")
    line = "^device is cuda, for which jobs ask for --gpus 1; SLURM says: Invalid generic resource$"
    with pytest.raises(SettingsError, match=line):
        cluster.check_account("main", "mine", 1)


def run_on(
    slurm: Callable[[str, str], None], *jobs: Planned, group: Planned | None = None
) -> SimpleNamespace:
    """A run of snakemake's on a small cluster; the last job is of the group, if there is one."""
    lines = ["main*|4000|2|5:00:00|idle|up", "main*|8000|4|10:00:00|idle|up", "long|2000|2|20:00:00|idle|up"]
    slurm("sinfo", "\n".join(f"echo '{line}'" for line in lines))
    slurm("squeue", "true")
    slurm("scontrol", "echo MinJobAge = 300")
    slurm(
        "sbatch",
        'case "$*" in *gpus*) echo "Invalid generic resource" >&2; exit 1;; *mine*) exit 0;; esac; '
        'echo "Invalid account" >&2; exit 1',
    )
    ended: list[str] = []
    return SimpleNamespace(
        rules=[SimpleNamespace(name="train_training"), SimpleNamespace(name="train_remedies")],
        cores=8,
        global_resources=Resources.parse(["login_node=2"], allow_expressions=False),
        resource_settings=SimpleNamespace(overwrite_resources={"train_training": {}}, default_resources=None),
        group_settings=SimpleNamespace(group_components={"level-0": 50, "level-1": 25}),
        executor_plugin=SimpleNamespace(name="slurm"),
        executor_settings=SimpleNamespace(status_command="squeue"),
        dag=SimpleNamespace(
            needrun_jobs=lambda: jobs, get_job_group=lambda one: group if one is jobs[-1] else None
        ),
        remote_execution_settings=SimpleNamespace(seconds_between_status_checks=10),
        scheduler=SimpleNamespace(
            _executor=SimpleNamespace(
                run_uuid="a-run", next_seconds_between_status_checks=180, cancel=lambda: ended.append("there")
            ),
            _local_executor=SimpleNamespace(cancel=lambda: ended.append("here")),
            ended=ended,
        ),
    )


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({}, None),
        ({"gpu": 1}, "device is cuda, for which jobs ask for --gpus 1; SLURM says: Invalid generic resource"),
        ({"slurm_partition": 12}, "slurm_partition is the number 12; allowed: a name"),
        ({"mem_mb": 9000}, "train/a asks for 9000 MB"),
        ({"threads": 5}, "train/a asks for 5 cores"),
        ({"runtime": 601}, "train/a asks for 601 minutes"),
        ({"slurm_partition": "main,long", "runtime": 1200, "mem_mb": 2000}, None),
        ({"slurm_account": "other"}, "SLURM says: Invalid account"),
    ],
)
def test_what_is_submitted_is_asked_for(slurm, left_alone, asked: dict[str, Any], line: str | None):
    """Single jobs, groups in the place of theirs, but not what runs where the run was started."""
    here, short = Planned("draw", is_local=True, mem_mb=10**6), Planned("short", mem_mb=10**6)
    run = run_on(slurm, Planned("train", **asked), here, short, group=Planned("level-0", group=True))
    if line is None:
        cluster.prepare(run)
        assert run.scheduler._executor.additional_general_args() == "--executor local"
    else:
        with pytest.raises(SettingsError, match=f"^{line}"):
            cluster.prepare(run)


@pytest.mark.parametrize(("wanted", "seconds"), [(5, 5), (15, 10), (180, 10)])
def test_jobs_are_looked_at_as_often_as_the_run_wants(
    slurm, left_alone, wanted: int, seconds: int, monkeypatch
):
    slept: list[float] = []
    run = run_on(slurm, Planned("train"))
    cluster.prepare(run)
    run.scheduler._executor.next_seconds_between_status_checks = wanted
    monkeypatch.setattr(asyncio, "sleep", slept.append)
    run.scheduler._executor.sleep()
    assert slept == [seconds]


def test_a_group_that_asks_for_too_much_is_named_by_its_largest_job(slurm, left_alone):
    group, large = Planned("level-0", group=True, mem_mb=9000), Planned("large", mem_mb=5000)
    group.jobs = [Planned("small"), large]
    line = r"^a group of short jobs \(--group-components\), large/a the largest, asks for 9000 MB"
    with pytest.raises(SettingsError, match=line):
        cluster.prepare(run_on(slurm, large, group=group))


def test_a_resource_of_the_users_own_is_let_pass(slurm, left_alone):
    run = run_on(slurm, Planned("train"))
    run.resource_settings.default_resources = {"slurm_partition": "main", "licences_of_ours": 1}
    cluster.prepare(run)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"default_resources": {"slurm_partitoin": "main"}},
            "resource 'slurm_partitoin' is unknown (did you mean slurm_partition?)",
        ),
        (
            {"overwrite_resources": {"train_training": {"mem_mb": 1, "runtimes": 1}}},
            "resource 'runtimes' is unknown (did you mean runtime?)",
        ),
        (
            {"global_resources": ["login_nod=2"]},
            "resource 'login_nod' is unknown (did you mean login_node?)",
        ),
        ({"global_resources": ["login_node=0"]}, "login_node is 0; allowed: a whole number of at least 1"),
        (
            {"overwrite_resources": {"train_remedy": {"mem_mb": 1}}},
            "--set-resources: rule 'train_remedy' is unknown (did you mean train_remedies?); allowed: "
            "train_remedies, train_training",
        ),
        (
            {"group_components": {"level-0": 5, "level-9": 5}},
            "--group-components: group 'level-9' is unknown (did you mean level-2?); allowed: "
            "level-0, level-1, level-2",
        ),
    ],
)
def test_a_profile_that_slurm_would_stumble_over_is_refused(
    slurm, left_alone, settings: dict[str, Any], line: str
):
    run = run_on(slurm, Planned("train"))
    if "global_resources" in settings:
        run.global_resources = Resources.parse(settings["global_resources"], allow_expressions=False)
    vars(run.resource_settings).update(settings)
    vars(run.group_settings).update(settings)
    with pytest.raises(SettingsError, match=f"^{re.escape(line)}$"):
        cluster.prepare(run)


def test_what_is_left_at_the_end_of_a_run_is_cancelled(slurm, left_alone, capsys, tmp_path: Path):
    slurm("scancel", f'echo "$*" > {tmp_path}/cancelled')
    slurm("squeue", 'case "$*" in *"--name a-run"*) echo 40; echo 41;; esac')
    cluster.cancel("another-run")
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "cancelled").exists()
    cluster.cancel("a-run")
    assert capsys.readouterr().err == "Moving Target: cancelled what was left at SLURM: 40 41\n"
    assert (tmp_path / "cancelled").read_text() == f"--user {getpass.getuser()} --name a-run\n"
    slurm("scancel", "echo no such host >&2; exit 1")
    cluster.cancel("a-run")
    told = "Moving Target: SLURM says: no such host; see squeue --me for jobs that are left\n"
    assert capsys.readouterr().err == told


def test_the_first_interruption_is_told_of_and_the_second_ends_at_once(slurm, left_alone, capsys):
    cluster.prepare(run_on(slurm, Planned("train")))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert capsys.readouterr().err.startswith("Moving Target: cancelling jobs; ")
    for _ in range(2):
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    assert left_alone == [(cluster.cancel, "a-run")]
    cluster.cancel("a-run")
    signal.raise_signal(signal.SIGINT)


def test_what_an_interruption_tears_is_not_shown():
    """An event loop without sockets would complain, and a coroutine, and what is cleaned up at the end."""
    script = """
import asyncio, logging, signal
from movingtarget_workflow import cluster
cluster._run = lambda *words: ""
cluster.cancel_at_end("a-run")
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    asyncio.SelectorEventLoop.__new__(asyncio.SelectorEventLoop)
    asyncio.sleep(1)
    logging.getLogger("asyncio").error("Task exception was never retrieved")
try:
    signal.raise_signal(signal.SIGINT)
finally:
    raise RuntimeError("This event loop is already running")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert (
        ended.stderr == "Moving Target: cancelling jobs; a second Ctrl-C ends at once and cancels them, too\n"
    )


def test_another_attempt_asks_for_no_more_than_a_node_has(slurm, left_alone, config):
    alone, with_others = (cluster.resources_of(name, config) for name in ("update_order_times", "whiteness"))
    before = {name: alone[name](of_part(""), 1) for name in ("runtime", "mem_mb")}
    assert alone["runtime"](of_part(""), 1000) == 1000 * before["runtime"]
    cluster.prepare(run_on(slurm, Planned("train")))
    assert {name: alone[name](of_part(""), 1) for name in before} == before
    assert {name: alone[name](of_part(""), 1000) for name in before} == {"runtime": 600, "mem_mb": 8000}
    # 50 on 8 cores: seven after one another
    assert with_others["runtime"](of_part(""), 1000) == 85
    cluster.prepare(run_on(slurm, Planned("train", slurm_partition="long,main", mem_mb=1)))
    assert alone["runtime"](of_part(""), 1000) == 1200
    first = with_others["mem_mb"](of_part(""), 1)
    assert first > 8000 / 8  # which is asked for already
    assert with_others["mem_mb"](of_part(""), 1000) == first


def test_a_long_job_of_a_study_that_has_short_ones_too_may_ask_for_all_of_a_node(slurm, left_alone, config):
    parts = jobs_of("depth_ladder", config)
    long = next(part for part in parts if group_of_part("depth_ladder", config, part) is None)
    cluster.prepare(run_on(slurm, Planned("train")))
    assert cluster.resources_of("depth_ladder", config)["runtime"](of_part(long), 1000) == 600


def test_where_all_that_is_left_runs_here_nothing_is_limited(slurm, left_alone, config):
    cluster.prepare(run_on(slurm, Planned("draw", is_local=True)))
    assert cluster.resources_of("whiteness", config)["runtime"](of_part(""), 10**6) > 10**6


def test_a_run_on_one_machine_asks_no_cluster(monkeypatch):
    monkeypatch.setenv("PATH", "")
    cluster.prepare(SimpleNamespace(executor_plugin=SimpleNamespace(name="local")))
