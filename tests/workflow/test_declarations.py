"""What is declared once is all there is to touch: a study, a family, an order, a data set added to a copy."""

import subprocess
from pathlib import Path

import pytest
from project_copy import ROOT, SMOKE, copy_project, planned, snakemake

STUDY = '''"""Experiment: how large random numbers are."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from movingtarget.settings import COUNT, SEEDS
from movingtarget.study import Study, one_job
from movingtarget.tables import MEASURED

STUDY = Study(
    rule="measure_random_numbers",
    settings={"seeds": SEEDS, "numbers": COUNT},
    tables={"random_numbers": {"seed": int, "value": MEASURED}},
    jobs=one_job("random_numbers"),
)


def measure(
    seeds: Sequence[int], numbers: int, say: Callable[[str], None] = lambda line: None
) -> dict[str, pd.DataFrame]:
    """Table random_numbers."""
    values = [np.random.default_rng(seed).standard_normal(numbers).mean() for seed in seeds]
    return {"random_numbers": pd.DataFrame({"seed": seeds, "value": values})}
'''

FIGURE = '''"""Figure: how large random numbers are."""

import pandas as pd
from matplotlib.figure import Figure

from movingtarget.drawing.style import panels, styled
from movingtarget.figure import Drawing

FIGURE = Drawing(
    rule="draw_random_numbers",
    tables=("random_numbers",),
    caption="See a dot for each seed. Made of {{ random_numbers.numbers }} numbers.",
)


@styled
def draw(random_numbers: pd.DataFrame) -> Figure:
    """A dot for each seed."""
    figure, grid = panels(["mean"], columns=1, row_height=5)
    grid[0, 0].plot(random_numbers["seed"], random_numbers["value"], "o")
    return figure
'''

CLAIM = """
- id: random-numbers-are-small
  kind: question
  question: random-numbers
  paper: ioffe2015
  place: nowhere
  statement: The mean of random numbers is small.
  table: random_numbers
  estimand: mean
  select: {}
  holds_if: {within: [-1, 1]}
  deviation: 0.3
  seeds: 5
  scale: default
"""

ORDER = '''"""Every layer at half the rate."""

from torch import Tensor, nn

from movingtarget.networks.stack import Parameters
from movingtarget.training.interface import Batch, Outcome
from movingtarget.training.simultaneous import simultaneous


def half(
    network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, learning_rates: Tensor
) -> Outcome:
    """A step of gradient descent at half the rate."""
    return simultaneous(network, parameters, batch, memory, learning_rates / 2)
'''

FAMILY = '''"""Centred networks."""

from torch import nn

from movingtarget.networks.build import Architecture
from movingtarget.networks.feedforward import Feedforward


def centred(architecture: Architecture) -> nn.Module:
    """With means subtracted between every hidden layer's affine map and its activation."""
    sizes = architecture.inputs, architecture.width, architecture.depth, architecture.outputs
    return Feedforward(*sizes, architecture.activation, "centred")
'''


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{before} in {path}"
    write(path, text.replace(before, after, 1))


def touched(project: Path) -> list[str]:
    """The files of `git diff --stat`."""
    git = ["git", "-C", str(project)]
    subprocess.run([*git, "add", "--all"], check=True)
    stat = subprocess.run([*git, "diff", "--cached", "--stat"], capture_output=True, text=True, check=True)
    return [line.split("|")[0].strip() for line in stat.stdout.splitlines()[:-1]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in a repository of its own in which two studies have run."""
    project = copy_project(tmp_path_factory.mktemp("declared"))
    write(project / ".gitignore", "results\n.snakemake\n__pycache__\n")
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "copied"]):
        subprocess.run([*git, *words], check=True)
    run = snakemake(project, *SMOKE, "--", *TRAINED)
    assert run.returncode == 0, run.stderr
    return project


TRAINED = [f"results/smoke/tables/{table}.csv" for table in ("training", "update_orders")]


@pytest.fixture
def copy(trained: Path) -> Path:
    """The same copy, what a test has changed taken back."""
    git = ["git", "-C", str(trained)]
    subprocess.run([*git, "reset", "--quiet", "--hard"], check=True)
    subprocess.run([*git, "clean", "--quiet", "--force", "-d"], check=True)
    return trained


def test_a_study_is_five_files_and_trains_nothing_again(copy: Path):
    library = copy / "src/movingtarget"
    write(library / "experiments/random_numbers.py", STUDY)
    write(library / "figures/random_numbers.py", FIGURE)
    edit(
        copy / "config/config.yaml",
        "\nlocoprop:",
        "\nrandom_numbers: {seeds: [0, 1, 2], numbers: 9}\n\nlocoprop:",
    )
    edit(copy / "config/claims.yaml", "\n- id: ", f"{CLAIM}\n- id: ")
    edit(
        copy / "report/report.md",
        '<% include "chapters/depth.md" %>',
        '# Random numbers\n\n<< figure("random_numbers") >>\n\n<% include "chapters/depth.md" %>',
    )
    assert len(touched(copy)) <= 5

    rules = planned(copy)
    assert {"measure_random_numbers", "draw_random_numbers", "judge_claims", "write_report"} <= {*rules}
    assert not {"train_training", "train_update_orders"} & {*rules}
    figure = "results/smoke/figures/random_numbers"
    run = snakemake(copy, *SMOKE, "--", f"{figure}.svg")
    assert run.returncode == 0, run.stderr
    assert len((copy / "results/smoke/tables/random_numbers.csv").read_text().splitlines()) == 4
    assert (copy / f"{figure}.rst").read_text() == "See a dot for each seed. Made of 9 numbers.\n"


def test_an_order_is_three_files_and_trains_itself_alone(copy: Path):
    library = copy / "src/movingtarget"
    write(library / "training/half.py", ORDER)
    entry = '"half": UpdateOrder("movingtarget.training.half:half", "half", {"color": "#123456"}, "remedy"),'
    edit(library / "update_orders.py", "UPDATE_ORDERS = {", f"UPDATE_ORDERS = {{\n    {entry}")
    edit(
        copy / "config/smoke.yaml",
        "orders: [random-subset, locoprop-m]",
        "orders: [random-subset, locoprop-m, half]",
    )
    assert len(touched(copy)) <= 5

    rules = planned(copy, *SMOKE, "--", *TRAINED)
    assert rules == {"train_update_orders": 1, "gather_parts": 1}
    part = "results/smoke/tables/parts/update_orders/minibatch-half-plain.csv"
    assert snakemake(copy, *SMOKE, "--", part).returncode == 0
    assert ",half," in (copy / part).read_text()


def test_a_family_is_three_files_and_trains_itself_alone(copy: Path):
    library = copy / "src/movingtarget"
    write(library / "networks/centred.py", FAMILY)
    entry = '"centred": Family("movingtarget.networks.centred:centred", "centred", {"color": "#123456"}),'
    edit(library / "families.py", "FAMILIES = {", f"FAMILIES = {{\n    {entry}")
    arm = "    - {network: plain, depth: 3, update_rule: sgd}\n"
    edit(copy / "config/smoke.yaml", arm, f"{arm}    - {{network: centred, depth: 3, update_rule: sgd}}\n")
    assert len(touched(copy)) <= 5

    rules = planned(copy, *SMOKE, "--", *TRAINED)
    assert rules == {"train_training": 1, "gather_parts": 1}
    part = "results/smoke/tables/parts/training/centred-3-sgd.csv"
    assert snakemake(copy, *SMOKE, "--", part).returncode == 0
    assert "\ncentred,3,sgd," in (copy / part).read_text()


def test_a_data_set_is_one_file_and_trains_nothing_again(copy: Path):
    catalogue = copy / "src/movingtarget/data/catalogue.py"
    edit(
        catalogue,
        "(MNIST, FASHION_MNIST, DIGITS)",
        '(MNIST, FASHION_MNIST, DIGITS, MNIST._replace(name="own"))',
    )
    assert touched(copy) == ["src/movingtarget/data/catalogue.py"]
    assert planned(copy, *SMOKE, "--", *TRAINED) == {}
    run = snakemake(copy, "--dry-run", "--config", "dataset=own", "--", "results/data/own/SHA256SUMS")
    assert run.returncode == 0, run.stderr


def test_lint_finds_nothing_but_what_is_meant():
    """One environment serves all rules, environment.yml: they share the library."""
    run = snakemake(ROOT, "--lint", *SMOKE)
    found = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.startswith("    * ")]
    assert {line for line in found if "conda environment or container" not in line} == set()
