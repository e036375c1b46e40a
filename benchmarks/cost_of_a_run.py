"""What a run costs beside its work: the CPU time of snakemake's own process, and of its jobs' imports.

    python benchmarks/cost_of_a_run.py --cores 2 --configfile config/smoke.yaml

does a whole run in a copy of the project, in a temporary folder, and prints both as shares of the run's CPU
time. Further words go to snakemake: with `--dry-run` the script itself can be tried, its shares mean nothing.
Set MOVINGTARGET_DATA lest a run fetch its data anew.

Snakemake's own time is what its process has used when it ends, its children's left out. The imports are timed
after the run: for each kind of job, a fresh interpreter imports what the job does, snakemake's own part, the
script's imports and the modules that its rule names; times the number of such jobs. Linux only.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil
from snakemake.utils import update_config

from movingtarget_workflow import plan
from movingtarget_workflow.settings import read_yaml

ROOT = Path(__file__).parents[1]
OF_A_JOB = """
import importlib, runpy, sys, time
started = time.process_time()
import snakemake.script
runpy.run_path(f"workflow/scripts/{sys.argv[1]}.py")
for module in sys.argv[2:]:
    importlib.import_module(f"movingtarget.{module}")
print(time.process_time() - started)
"""

Kind = tuple[str, ...]
"""A script, and the modules of the library that it goes on to import."""


def kinds(configfile: str) -> Counter[Kind]:
    """How many jobs of each kind a run has."""
    config = read_yaml(ROOT / "config/config.yaml")
    update_config(config, read_yaml(Path(configfile)))
    jobs = [(study, job) for study in plan.STUDIES for job in plan.jobs_of(study, config).values()]
    found = Counter(("run_study", *plan.modules_of(study, job)) for study, job in jobs)
    for figures in plan.drawing_rules().values():
        found["draw_figures", "drawing.style", *(f"figures.{name}" for name in figures)] += 1
    found["gather_parts",] += len(plan.parts(config))
    found.update([("fetch_dataset",), ("judge_claims",), ("write_report",)])
    return found


def run(words: list[str], project: Path) -> tuple[float, float]:
    """CPU seconds of snakemake's own process, and of the jobs that it started."""
    child = subprocess.Popen([sys.executable, "-m", "snakemake", *words], cwd=project)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but its times still stand
    times = psutil.Process(child.pid).cpu_times()
    if child.wait():
        sys.exit(child.returncode)
    return times.user + times.system, times.children_user + times.children_system


def import_seconds(kind: Kind, project: Path) -> float:
    """CPU seconds of the imports of one job, in a fresh interpreter."""
    words = [sys.executable, "-c", OF_A_JOB, *kind]
    return float(subprocess.run(words, cwd=project, stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--cores", required=True)
    parser.add_argument("--configfile", required=True)
    chosen, more = parser.parse_known_args()
    configfile = str(Path(chosen.configfile).resolve())
    counted = kinds(configfile)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "results", "tests"))
        os.environ |= {"PYTHONPATH": str(project / "src"), "MPLBACKEND": "agg"}
        own, of_jobs = run(["--cores", chosen.cores, "--configfile", configfile, *more], project)
        seconds = {kind: import_seconds(kind, project) for kind in counted}
    imports = sum(seconds[kind] * jobs for kind, jobs in counted.items())
    for kind, jobs in counted.items():
        print(f"{jobs:4} x {seconds[kind]:5.2f} s  {' '.join(kind)}")
    print(f"run {own + of_jobs:.1f} s of CPU, of which")
    print(f"snakemake's own process {own:.1f} s, {own / (own + of_jobs):.1%}")
    print(f"imports of {counted.total()} jobs {imports:.1f} s, {imports / (own + of_jobs):.1%}")
