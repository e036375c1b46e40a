"""Mistakes in the settings: one clear line, a non-zero exit, nothing made."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from project_copy import ROOT, SMOKE, environment, snakemake, told
from snakemake.utils import update_config

from movingtarget.declarations import figures, studies
from movingtarget_workflow.run import check_claims_and_figures, check_run

NETWORKS = "networks: [plain, batch-norm, residual, residual-batch-norm]"


def arms(regime: str, *orders: str) -> str:
    """An overlay with other orders on all networks in a regime."""
    entries = ", ".join(f"{{{NETWORKS}, orders: [{named}]}}" for named in orders)
    return f"update_orders: {{regimes: {{{regime}: {{arms: [{entries}]}}}}}}"


MISTAKES = {
    "a misspelt key": ("trainin: {}", "trainin is not a key (did you mean training?)"),
    "a nested misspelt key": ("training: {epoch: 3}", "training.epoch is not a key (did you mean epochs?)"),
    "a wrong type": ("training: {epochs: many}", "training.epochs is "),
    "orders without the one to compare with": (
        arms("fresh", "fresh"),
        "update_orders.regimes.fresh.arms lacks simultaneous on plain; allowed: with it, to compare ",
    ),
    "an arm twice": (
        arms("minibatch", "simultaneous, forward", "muon, forward"),
        "update_orders.regimes.minibatch.arms has forward on plain twice; allowed: once",
    ),
    "a fresh minibatch for each layer in a regime that shares one": (
        arms("full-batch", "simultaneous, forward, repeated-fresh"),
        "update_orders.regimes.full-batch.arms has repeated-fresh; allowed: orders that share a minibatch, ",
    ),
    "an order that wants to know where training ends": (
        arms("minibatch", "simultaneous, forward, greedy"),
        "update_orders.regimes.minibatch.arms has greedy; allowed: orders without a plan for so many steps",
    ),
    "a full batch of a regime larger than the data": (
        "update_orders: {regimes: {full-batch: {examples: 60001}}}",
        "update_orders.regimes.full-batch.examples is 60001; allowed: at most 60000, for ",
    ),
    "the same where the largest rates are looked for": (
        "stable_rates: {horizons: {minibatch: {examples: 60001}}}",
        "stable_rates.horizons.minibatch.examples is 60001; allowed: at most 60000, for ",
    ),
    "minibatches for each layer that are more than the data": (
        "update_orders: {regimes: {fresh: {examples: 6667}}}",
        "update_orders.regimes.fresh.examples is 6667; allowed: at most 6666, for fashion-mnist has 60000",
    ),
    "largest rates of an order that is not trained": (
        "stable_rates: {orders: [simultaneous, muon]}",
        "stable_rates has muon on plain; allowed: arms of update_orders.regimes.full-batch, where the search",
    ),
    "a regime that there is not": (
        "update_orders: {regimes: {online: {examples: 1}}}",
        "update_orders.regimes.online is not a key; allowed: full-batch, minibatch, fresh",
    ),
    "no sweeps": (
        "update_orders: {regimes: {fresh: {sweeps: 0}}}",
        "update_orders.regimes.fresh.sweeps is 0",
    ),
    "a tested seed that chooses the rate of an order": (
        "update_orders: {tuning_seeds: [100, 3]}",
        "update_orders.tuning_seeds has 3; allowed: none of update_orders.seeds, which are tested",
    ),
    "a promise of nothing": (
        "moving_target: {promises: [0.1, 0]}",
        "moving_target.promises[1] is 0; allowed: ",
    ),
    "rates of promises chosen on seeds that are tested": (
        "moving_target: {tuning_seeds: [100, 3]}",
        "moving_target.tuning_seeds has 3; allowed: none of moving_target.seeds, which are tested",
    ),
    "rates chosen without training": (
        "moving_target: {steps: [0]}",
        "moving_target.steps is [0]; allowed: one at least above 0, at which the search ends",
    ),
    "a full batch for the Hessian larger than the data": (
        "block_curvature: {examples: 60001}",
        "block_curvature.examples is 60001; allowed: at most 60000, for fashion-mnist has 60000 ",
    ),
    "a full batch larger than the data": (
        "early_steps: {full_batch: 60001}",
        "early_steps.full_batch is 60001; allowed: at most 60000, for fashion-mnist has 60000 training",
    ),
    "first steps without the best rate": (
        "early_steps: {multiples: [0.5]}",
        "early_steps.multiples is 0.5; allowed: numbers above 0 with 1, the best rate, among them",
    ),
    "out of range": ("training: {learning_rates: [0.1, -0.1]}", "training.learning_rates[1] is -0.1"),
    "an unknown network": (
        "training: {arms: [{network: plane, depth: 3, update_rule: sgd}]}",
        'training.arms[0].network is "plane" (did you mean plain?); allowed: one of plain, ',
    ),
    "an unknown data set": ("dataset: cifar", "dataset is "),
    "an unknown update rule of an arm": (
        "training: {arms: [{network: plain, depth: 3, update_rule: lars}]}",
        'training.arms[0].update_rule is "lars"; allowed: one of sgd, locoprop',
    ),
    "an unknown order": (
        arms("fresh", "simultaneous, forwards"),
        'update_orders.regimes.fresh.arms[0].orders[1] is "forwards" (did you mean forward?); allowed: one',
    ),
    "more test images than there are": (
        "mutual_information: {examples: 10001}",
        "mutual_information.examples is 10001; allowed: at most 10000, for fashion-mnist has 10000 test",
    ),
    "more training images for statistics than there are": (
        "image_gradients: {examples: 6001}",
        "image_gradients.examples is 6001; allowed: at most 6000, for fashion-mnist has 60000 training"
        " images, 10 for each",
    ),
    "more lines than test images have pairs": (
        "shattering_in_training: {lines: 5001}",
        "shattering_in_training.lines is 5001; allowed: at most 5000, for fashion-mnist has 10000 test"
        " images, 2 for each",
    ),
    "evaluation on more images than there are": (
        "training: {evaluation_examples: 10001}",
        "training.evaluation_examples is 10001; allowed: at most 10000, ",
    ),
    "a minibatch larger than the data": (
        "one_step: {batch_size: 60001}",
        "one_step.batch_size is 60001; allowed: at most 60000, for fashion-mnist has 60000 training images",
    ),
    "a large batch larger than the data": (
        "large_batch: {large_batch_size: 60001}",
        "large_batch.large_batch_size is 60001; allowed: at most 60000, for fashion-mnist has 60000 training",
    ),
    "fewer classes than fine-tuning needs": (
        "fine_tuning: {pretraining_classes: [0, 1, 2, 3, 4, 5, 6, 7, 8]}",
        "fine_tuning.pretraining_classes has 9 of the 10 classes of fashion-mnist; allowed: two at least, ",
    ),
    "no arm to measure": (
        "training: {arms: [{network: plain, depth: 3, update_rule: locoprop}]}",
        "training.arms leave nothing to do for image_gradients; allowed: one at least with update_rule sgd",
    ),
    "a residual network without its branch scale": (
        "activations: {networks: [{network: residual, normalisation: batch-norm}]}",
        "activations.networks[0].beta is missing; allowed: a number above 0, for a residual network",
    ),
    "a branch scale where there is no branch": (
        "image_paths: {networks: [{network: feedforward, normalisation: none, beta: 1.0}]}",
        "image_paths.networks[0].beta is 1.0; allowed: none, for a feedforward network",
    ),
    "more lags than points": (
        "line_gradients: {lags: 256}",
        "line_gradients.lags is 256; allowed: less than 256",
    ),
    "depth 0 on the line": ("line_gradients: {depths: [0]}", "line_gradients.depths[0] is 0"),
    "one grid point": ("line_gradients: {points: 1}", "line_gradients.points is 1"),
    "gates that are neither": (
        "gradient_correlation: {networks: [{network: highway, normalisation: none, gates: open}]}",
        "gradient_correlation.networks[0].gates is ",
    ),
    "more layers frozen than there are": (
        "first_layers: {frozen: [0, 1, 9]}",
        "first_layers.frozen has 9; allowed: 0 to 8, first_layers.depth",
    ),
    "frozen layers without none to compare with": (
        "first_layers: {frozen: [1, 8]}",
        "first_layers.frozen lacks 0; allowed: lists with 0 and 1",
    ),
    "a first layer released after the end": (
        "first_layers: {changes: [30, 300]}",
        "first_layers.changes has 300; allowed: 1 to 299, before first_layers.steps",
    ),
    "layers moved alone after the end": (
        "first_layers: {measured_steps: [0, 301]}",
        "first_layers.measured_steps has 301; allowed: 0 to 300, first_layers.steps",
    ),
    "scores on more images than are trained on": (
        "first_layers: {evaluation_examples: 4001}",
        "first_layers.evaluation_examples is 4001; allowed: 2 to 4000, first_layers.training_images",
    ),
    "rates chosen on seeds that are tested": (
        "first_layers: {tuning_seeds: [100, 3]}",
        "first_layers.tuning_seeds has 3; allowed: none of first_layers.seeds, which are tested",
    ),
    "a class that there is not": (
        "two_classes: {classes: [1, 10]}",
        "two_classes.classes has 10; allowed: 0 to 9, the classes of fashion-mnist",
    ),
    "more examples than two classes have": (
        "two_classes: {examples: 12001}",
        "two_classes.examples is 12001; allowed: 4 to 12000, the training images of both classes in fashion-",
    ),
    "more examples of a class than there are": (
        "fine_tuning: {examples: 6001}",
        "fine_tuning.examples is 6001; allowed: 1 to 6000, of the classes of fashion-mnist left to fine-tune",
    ),
    "no image left to fine-tune on": (
        "fine_tuning: {validation_examples: 30000}",
        "fine_tuning.validation_examples is 30000; allowed: 1 to 29999, of the classes of fashion-mnist left",
    ),
    "more pixels than images have": (
        "block_curvature: {pooled_side: 29}",
        "block_curvature.pooled_side is 29; allowed: at most 28, the side of an image of fashion-mnist",
    ),
    "one class where two are told apart": ("two_classes: {classes: [1]}", "two_classes.classes is [1]"),
    "three classes where two are told apart": (
        "two_classes: {classes: [1, 2, 3]}",
        "two_classes.classes is [1, 2, 3]",
    ),
    "a minibatch larger than a draw": (
        "two_classes: {batch_size: 501}",
        "two_classes.batch_size is 501; allowed: 2 to 500, two_classes.examples",
    ),
    "no seeds": ("training: {seeds: []}", "training.seeds is "),
    "a tested seed that chooses the learning rate": (
        "training: {tuning_seeds: [2, 100]}",
        "training.tuning_seeds has 2; allowed: none of training.seeds, which are tested",
    ),
    "the same on the ladder": (
        "depth_ladder: {seeds: [3, 100]}",
        "depth_ladder.tuning_seeds has 100; allowed: none of depth_ladder.seeds, which are tested",
    ),
    "no seeds to choose by": ("training: {tuning_seeds: []}", "training.tuning_seeds is "),
    "a number of trials in words": (
        "autoencoders: {trials: two}",
        'autoencoders.trials is "two"; allowed: one of 2, 4, 8, 16, 32, 64, 128',
    ),
    "a device in capitals": (
        "device: CUDA",
        'device is "CUDA" (did you mean cuda?); allowed: one of auto, cpu, cuda',
    ),
    "a seed twice": ("training: {seeds: [1, 1]}", "training.seeds is "),
    "a results folder that cannot be written": ("results: /proc/results", "results is '/proc/results'"),
}


def merged(text: str) -> dict[str, Any]:
    """The default settings with an overlay's, as snakemake merges them."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    update_config(config, yaml.safe_load(text))
    return config


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_settings_is_one_clear_line(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    text, expected = MISTAKES[name]
    with pytest.raises(SystemExit) as caught:
        check_run(merged(text))
    message = str(caught.value)
    assert message.startswith("Moving Target: ")
    assert expected in message
    assert len(message.splitlines()) == 1


RANGE = re.compile(r"(\w+)\.(\w+) (?:is|has) \d+; allowed: (\d+) to \d+")
RANGES = {found.groups() for _, expected in MISTAKES.values() if (found := RANGE.match(expected))}


@pytest.mark.parametrize(("section", "key", "least"), sorted(RANGES))
def test_the_least_that_a_message_allows_is_that_of_the_schema(section: str, key: str, least: str):
    schema = studies()[section].settings[key]
    assert schema.get("items", schema)["minimum"] == int(least)


TWO_AT_LEAST = [
    *("block_curvature.examples", "degradation.batch_size", "depth_ladder.batch_size"),
    *("early_steps.batch_size", "early_steps.full_batch", "training.batch_size"),
    *("fine_tuning.batch_size", "first_layers.batch_size", "first_layers.evaluation_examples"),
    *("first_layers.held_out", "first_layers.training_images", "large_batch.batch_size"),
    *("large_batch.evaluation_examples", "large_batch.large_batch_size", "layer_gradients.batch_size"),
    *("moving_target.batch_size", "moving_target.evaluation_examples", "one_step.batch_size"),
    *("remedies.batch_size", "remedies.evaluation_examples", "training.evaluation_examples"),
    *("two_classes.batch_size", "update_orders.evaluation_examples"),
]


@pytest.mark.parametrize("name", TWO_AT_LEAST)
def test_images_that_batch_norm_takes_a_variance_of_are_two_at_least(name: str):
    section, key = name.split(".")
    schema = jsonschema.Draft202012Validator(studies()[section].settings[key])
    assert [schema.is_valid(images) for images in (1, 2)] == [False, True]


def test_settings_that_are_right_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    config = merged(f"results: {tmp_path}/a/../results/")
    check_run(config, [ROOT / "config/config.yaml", ROOT / "config/smoke.yaml"])
    assert config["results"] == f"{tmp_path}/results"


def test_a_full_disk_is_one_line_though_it_takes_an_empty_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda dir: full)
        with pytest.raises(SystemExit, match=r"where nothing can be written \(No space left on device\)"):
            check_run(merged("dataset: mnist"))


def test_a_caption_of_a_setting_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    drawing = figures()["one_step"]
    monkeypatch.setitem(figures(), "one_step", replace(drawing, caption="See {{ one_stp.seeds }}. Made so."))
    with pytest.raises(
        SystemExit, match="figure one_step: its caption cannot be filled: 'one_stp' is undefined"
    ):
        check_claims_and_figures(merged("dataset: mnist"))
    monkeypatch.setitem(figures(), "one_step", replace(drawing, tables=("one_stp",)))
    with pytest.raises(
        SystemExit, match=r"figure one_step: table 'one_stp' is unknown \(did you mean one_step\?"
    ):
        check_claims_and_figures(merged("dataset: mnist"))


def test_a_mistake_stops_the_run_before_anything_is_made(project: Path):
    (project / "config/mistake.yaml").write_text("trainin: {}\n")
    run = snakemake(project, "--configfile", "config/mistake.yaml")
    assert run.returncode != 0
    assert len(told(run)) == 1
    assert "trainin is not a key (did you mean training?)" in told(run)[0]
    assert "Traceback" not in run.stderr
    assert [path.name for path in (project / "results").iterdir()] == ["reference"]


@pytest.mark.parametrize(
    ("words", "line"),
    [(["--cores", "-2"], "cores is -2"), (["--cores", "2", "--jobs", "0", "--dry-run"], "jobs is 0")],
)
def test_a_run_with_less_than_one_core_or_job_is_refused(project: Path, words: list[str], line: str):
    """Snakemake alone waits for ever without a word, or starts jobs without limit."""
    run = snakemake(project, *words, *SMOKE)
    assert run.returncode != 0
    assert told(run) == [f"Moving Target: {line}; allowed: a whole number of at least 1"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("table: training", "table: trainings", "(did you mean training?)"),
        ("network: plain", "network: plian", "(did you mean plain?)"),
        ("holds_if: {below: 0}", "holds_if: {beneath: 0}", "holds_if.beneath"),
        (
            "deviation: 0.06",
            "deviation: 0.6",
            "seeds is 100; allowed: 1540 or more",
        ),
        ("id: plain-nets-degrade", "id: batch-norm-trains-faster", "batch-norm-trains-faster"),
    ],
)
def test_a_mistake_in_the_claims_names_the_claim(project: Path, before: str, after: str, expected: str):
    claims = project / "config/claims.yaml"
    claims.write_text(claims.read_text().replace(before, after, 1))
    run = snakemake(project, *SMOKE, "--dry-run")
    assert run.returncode != 0
    assert len(told(run)) == 1
    assert "claim" in told(run)[0]
    assert expected in told(run)[0]


def test_a_dry_run_and_a_start_that_is_refused_leave_no_folder(project: Path):
    here = [*SMOKE, "--", "results/smoke/tables/layer_gradients.csv"]
    assert snakemake(project, "--dry-run", *here).returncode == 0
    refused = snakemake(project, "--config", "device=cuda", *here)
    assert refused.returncode != 0
    assert told(refused) == [
        "Moving Target: device is cuda; allowed: auto or cpu, for torch finds no CUDA device here"
    ]
    assert [path.name for path in (project / "results").iterdir()] == ["reference"]


def test_more_finalists_than_trials_are_refused_at_once():
    with pytest.raises(SystemExit, match=r"autoencoders.finalists is 1000000000; allowed: at most \d+, "):
        check_run(merged("autoencoders: {finalists: 1000000000}"))


def test_a_data_folder_that_is_not_there_is_named(project: Path):
    (project / "config/folder.yaml").write_text("dataset: mnist\ndata_folder: /nowhere\n")
    run = snakemake(project, "--configfile", "config/folder.yaml", "--until", "fetch_dataset")
    assert run.returncode != 0
    assert "there is no folder /nowhere" in run.stderr


def test_the_environment_of_tests_names_no_data_folder():
    assert "MOVINGTARGET_DATA" not in environment()
