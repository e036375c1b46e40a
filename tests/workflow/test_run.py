"""The whole DAG at smoke scale: what a run makes, and what makes it run again."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from browser import DEAD_LINKS, SCREENS, assert_readable, needs_browser, opened, start_browser
from pdf import ends_chapter, fill, needs_poppler, words
from project_copy import ROOT, SMOKE, TIMED, copy_project, environment, finished_copy, planned, snakemake

from movingtarget.declarations import figures, studies
from movingtarget_workflow import plan
from movingtarget_workflow.chapters import chapter_of_figure, chapters


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project after `snakemake --cores 2` at smoke scale; tests must leave it finished."""
    return finished_copy(tmp_path_factory.mktemp("finished"))


@contextmanager
def edited(path: Path, *replaced: tuple[str, str]) -> Iterator[None]:
    """Inside, a file with other words, or with a line more."""
    content = path.read_text(encoding="utf-8")
    text = content
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text if replaced else content + "\nCHANGED = True\n", encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(content, encoding="utf-8")


def test_a_run_makes_the_report_in_three_formats(finished: Path):
    for name in ["report.html", "report.pdf", "report.tex"]:
        assert (finished / "results/smoke" / name).stat().st_size > 10_000


@needs_browser
def test_the_page_is_whole_in_a_browser(finished: Path, tmp_path: Path):
    """At two widths, by day and by night; screenshots of each lie in the test's folder."""
    file = finished / "results/smoke/report.html"
    assert file.stat().st_size < 5e6
    with start_browser() as browser:
        for width, colours in SCREENS:
            with opened(browser, file, width, colours) as page:
                page.screenshot(path=tmp_path / f"{width}-{colours}-top.png")
                assert_readable(page)
                page.locator("#claims-filter").scroll_into_view_if_needed()
                page.screenshot(path=tmp_path / f"{width}-{colours}-claims.png")
        with opened(browser, file) as page:
            count, dead = page.evaluate(DEAD_LINKS)
            assert count > 200
            assert dead == []
            assert page.locator(".plate").count() == len(chapters())
            all_claims = len(pd.read_csv(finished / "results/smoke/tables/claims.csv"))
            assert page.locator("#claims-shown").inner_text() == f"{all_claims} of {all_claims} claims"


@needs_poppler
def test_pages_are_full_and_letters_legible_on_paper(finished: Path, tmp_path: Path):
    """Filled by two thirds, but at a chapter's end and before the opening's figure; indices may be small."""
    pdf = finished / "results/smoke/report.pdf"
    written = words(pdf)
    assert [run for run in written if run.size < 6.9 and len(run.text) > 3] == []
    filled = fill(pdf, tmp_path)
    pages = [[run for run in written if run.page == page] for page in range(1, len(filled) + 1)]
    empty = [page for page, share in enumerate(filled) if share < 2 / 3 and not ends_chapter(pages, page)]
    assert [page for page in empty if page > 0] == []


def test_at_smoke_scale_every_claim_is_inconclusive(finished: Path):
    claims = pd.read_csv(finished / "results/smoke/tables/claims.csv")
    assert len(claims) >= 8
    assert set(claims["verdict"]) == {"inconclusive"}


def test_every_kind_of_member_learns(finished: Path):
    table = pd.read_csv(finished / "results/smoke/tables/training.csv")
    losses = table[table["quantity"] == "train_loss"].groupby(["network", "update_rule", "step"])["value"]
    for _, values in losses.mean().groupby(["network", "update_rule"]):
        assert values.iloc[-1] < 0.7 * values.iloc[0]


def test_tables_are_the_same_bytes_on_one_core_and_by_another_way(finished: Path, tmp_path: Path):
    """One part of every study, asked for by itself."""
    alone = copy_project(tmp_path / "alone")
    whole = {
        table: finished / f"results/smoke/tables/{table}.csv"
        for s in studies().values()
        if not s.apart
        for table in s.tables
    }
    made_in_parts = {
        table: sorted((finished / "results/smoke/tables/parts" / table).glob("*.csv")) for table in whole
    }
    wanted = [(made_in_parts[table] or [whole[table]])[0].relative_to(finished) for table in whole]
    untimed = [table for table in wanted if table.stem not in TIMED]
    untimed = [
        table
        for table in untimed
        if table.stem not in ("learning_speed", "stable_rates", "locoprop_depths", "locoprop_batch_norm")
    ]  # want all parts
    run = snakemake(alone, *SMOKE, "--", *map(str, untimed), cores=1)
    assert run.returncode == 0, run.stderr
    assert len(untimed) >= len(studies())
    for table in untimed:
        assert (alone / table).read_bytes() == (finished / table).read_bytes(), table


def test_a_table_is_its_parts_in_the_order_of_the_settings(finished: Path):
    parts = finished / "results/smoke/tables/parts/training"
    bodies = [(parts / f"{arm}.csv").read_text().partition("\n")[2] for arm in ARMS]
    assert (finished / "results/smoke/tables/training.csv").read_text().partition("\n")[2] == "".join(bodies)


KEPT = ["--config", "tables_from=results/reference/smoke", "results=results/kept"]


def test_a_run_is_kept_and_its_report_comes_from_what_is_kept(finished: Path):
    """Verdicts and a figure in the same bytes; nothing is trained; and the run is identical to itself."""
    assert snakemake(finished, *SMOKE, "--", "reference").returncode == 0
    assert planned(finished, *KEPT).keys().isdisjoint({study.rule for study in studies().values()})
    made = ["tables/claims.csv", "figures/training_curves.svg"]
    run = snakemake(finished, *KEPT, "--", *(f"results/kept/{file}" for file in made))
    assert run.returncode == 0, run.stderr
    for file in [*made, "costs.csv", "record.yaml"]:
        assert (finished / "results/kept" / file).read_bytes() == (
            finished / "results/smoke" / file
        ).read_bytes()
    words = [sys.executable, "-m", "movingtarget_workflow.verify", "results/smoke"]
    own = environment(PYTHONPATH=str(finished / "src"))
    verify = subprocess.run(words, cwd=finished, env=own, capture_output=True, text=True, check=False)
    assert verify.returncode == 0, verify.stderr
    assert f"tables: {len(plan.TABLES)} identical" in verify.stdout


ARMS = ["plain-3-sgd", "batch-norm-3-sgd", "residual-3-sgd", "plain-3-locoprop"]


def test_nothing_runs_twice(finished: Path):
    assert planned(finished) == {}


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ("figures/training_curves.svg", {"draw_training", "write_report"}),
        ("tables/claims.csv", {"judge_claims", "write_report"}),
        ("tables/parts/mutual_information/plain-relu.csv", {"measure_mutual_information"}),
    ],
)
def test_a_deleted_file_is_made_again_and_nothing_upstream(finished: Path, deleted: str, expected: set[str]):
    path = finished / "results/smoke" / deleted
    content = path.read_bytes()
    path.unlink()
    rules = planned(finished)
    path.write_bytes(content)
    assert expected <= {*rules}
    assert not any(rule.startswith(("train", "fetch")) for rule in rules)


def test_a_deleted_figure_is_drawn_again_alone(finished: Path):
    figures = finished / "results/smoke/figures"
    before = {path: path.read_bytes() for path in figures.glob("*.svg")}
    (figures / "training_curves.svg").unlink()
    run = snakemake(finished, *SMOKE, "--", "results/smoke/figures/training_curves.svg")
    assert run.returncode == 0, run.stderr
    log = (finished / "results/smoke/logs/draw_training.log").read_text().splitlines()
    assert "training_curves" in log
    assert "learning_rates is drawn already" in log
    assert {path: path.read_bytes() for path in figures.glob("*.svg")} == before
    assert snakemake(finished, *SMOKE).returncode == 0


@pytest.mark.parametrize(
    ("changed", "rerun", "kept"),
    [
        ("drawing/style.py", {"draw_training"}, {"train_training", "measure_line_gradients", "judge_claims"}),
        (
            "measures/mutual_information/copula.py",
            {"measure_mutual_information", "measure_estimator_accuracy"},
            {"train_training", "measure_image_gradients"},
        ),
        ("measures/autocorrelation.py", {"measure_line_gradients"}, {"train_training"}),
        ("training/locoprop.py", {"train_training"}, {"fetch_dataset", "measure_line_gradients"}),
        ("report/prose.py", {"write_report"}, {"judge_claims", "draw_training"}),
        ("claims/judge.py", {"judge_claims", "write_report"}, {"train_training", "measure_line_gradients"}),
        ("data/catalogue.py", set(), {"train_training", "measure_mutual_information", "judge_claims"}),
        ("settings.py", set(), {"train_training", "measure_mutual_information", "judge_claims"}),
        ("update_orders.py", {"draw_update_orders", "write_report"}, {"train_update_orders", "judge_claims"}),
    ],
)
def test_a_changed_module_runs_what_uses_it_again(
    finished: Path, changed: str, rerun: set[str], kept: set[str]
):
    with edited(finished / "src/movingtarget" / changed):
        rules = planned(finished)
    assert rerun <= {*rules}
    assert not kept & {*rules}


def test_only_arms_of_a_changed_rule_are_trained_again(finished: Path):
    """One arm of each study is trained by LocoProp."""
    with edited(finished / "src/movingtarget/training/locoprop.py"):
        rules = planned(finished)
    assert rules["train_training"] == 1
    assert rules["train_update_orders"] == 1
    assert "train_depth_ladder" not in rules


def test_a_changed_colour_trains_nothing(finished: Path):
    with edited(finished / "src/movingtarget/families.py", ('"#D55E00"', '"#D55E01"')):
        rules = planned(finished)
    assert "draw_training" in rules
    assert not any(rule.startswith(("train", "measure", "judge")) for rule in rules)
    with edited(finished / "src/movingtarget/families.py", ("feedforward:batch_norm", "feedforward:plain")):
        rules = planned(finished)
    assert rules["train_training"] == 1


@pytest.mark.parametrize(
    ("before", "after", "rerun", "kept"),
    [
        (
            "lags: 5",
            "lags: 4",
            {"measure_line_gradients", "judge_claims", "write_report"},
            {"train_training"},
        ),
        (
            "gradients:\n  examples: 16",
            "gradients:\n  examples: 15",
            {"measure_image_gradients"},
            {"train_training"},
        ),
    ],
)
def test_a_changed_setting_runs_what_uses_it_again(
    finished: Path, before: str, after: str, rerun: set[str], kept: set[str]
):
    with edited(finished / "config/smoke.yaml", (before, after)):
        rules = planned(finished)
    assert rerun <= {*rules}
    assert not (kept | {"fetch_dataset"}) & {*rules}


def test_a_table_with_another_column_is_measured_again_and_nothing_else_trained(finished: Path):
    study = finished / "src/movingtarget/experiments/looks_linear.py"
    with edited(study, ('"seed": int,', '"seed": int,\n            "trial": int,')):
        rules = planned(finished)
    assert "measure_looks_linear" in rules
    assert not any(rule.startswith("train") for rule in rules)


def test_a_moved_and_newly_dated_project_has_nothing_to_do_again(finished: Path, tmp_path: Path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished, moved, copy_function=shutil.copyfile)
    for place, path in enumerate(sorted(moved.rglob("*"), reverse=True)):
        path.touch() if path.is_file() and place % 2 else None
    assert planned(moved) == {}


def test_snakemakes_own_report_has_the_figures_by_chapter(finished: Path, tmp_path: Path):
    page = tmp_path / "snakemake.html"
    run = snakemake(finished, *SMOKE, "--report", str(page))
    assert run.returncode == 0, run.stderr
    text = page.read_text(encoding="utf-8")
    for name in figures():
        assert f'"labels": {{"figure": "{name.replace("_", " ").capitalize()}"}}' in text
        first = (finished / f"results/smoke/figures/{name}.rst").read_text(encoding="utf-8")[:12]
        assert re.search(rf'{name}\.svg": {{"name".{{,400}}"caption": "<p>{re.escape(first)}', text), name
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("no chromium here: the menu was not looked at")
    calm = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]
    look = [chromium, *calm, f"--user-data-dir={tmp_path / 'browser'}", page.as_uri()]
    seen = subprocess.run(look, capture_output=True, text=True, timeout=120, check=True).stdout
    menu = re.findall(r"</svg><span>(.*?)</span></a></li>", seen)
    assert {chapter_of_figure(name) for name in figures()} | {"Verdicts", "Report"} <= {*map(unescape, menu)}


def test_every_scale_plans_the_whole_dag(project: Path):
    for overlay in ["config/config.yaml", "config/mnist.yaml", "config/paper.yaml"]:
        rules = planned(project, "--configfile", overlay)
        assert rules["train_training"] >= 7
        assert {study.rule for study in studies().values() if not study.apart} <= {*rules}


def test_each_rule_has_a_name_that_can_be_found():
    """Written out somewhere in the sources, as a search for it would find."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("workflow/**/*.smk")]
    ]
    run = snakemake(ROOT, *SMOKE, "--list-rules")
    rules = set(re.findall(r"^(\w+)$", run.stdout, re.MULTILINE)) - {"all"}
    assert len(rules) > 20
    assert all(any(rule in text for text in texts) for rule in rules)


def test_claims_are_judged_again_when_a_column_means_something_else(finished: Path):
    study = finished / "src/movingtarget/experiments/update_order_comparison.py"
    with edited(study, ('"step": follows(int),', '"step": int,')):
        rules = planned(finished)
    assert "judge_claims" in rules
