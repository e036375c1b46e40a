"""Every registered name makes the object that it must, told by values."""

import copy
import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.datasets import load_digits
from torch import Tensor, nn

from movingtarget.claims.check import check_claims
from movingtarget.data.catalogue import DATASETS
from movingtarget.data.load import Images
from movingtarget.declarations import figures, studies
from movingtarget.drawing.style import LOOKS
from movingtarget.estimators import ESTIMATORS
from movingtarget.experiments import (
    image_gradients,
    shattering_in_training,
    update_orders,
)
from movingtarget.families import FAMILIES
from movingtarget.measures.mutual_information.alignment import alignment
from movingtarget.measures.mutual_information.binned import binned
from movingtarget.measures.mutual_information.by_name import estimate
from movingtarget.measures.mutual_information.copula import copula
from movingtarget.measures.mutual_information.estimate import Estimate
from movingtarget.measures.mutual_information.gaussian import gaussian
from movingtarget.measures.mutual_information.nearest_neighbours import (
    nearest_neighbours,
    nearest_neighbours_of_components,
)
from movingtarget.measures.mutual_information.pairwise import pairwise_lower, pairwise_upper
from movingtarget.measures.mutual_information.sliced import sliced
from movingtarget.measures.mutual_information.successive import Reading, permuted, read, successive
from movingtarget.networks import Architecture, Parameters, build_random, call, stack
from movingtarget.networks.convolution import Convolution, WrappedConvolution
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import initialise
from movingtarget.networks.layers import Linear
from movingtarget.networks.low_rank import OuterFactor
from movingtarget.networks.residual import Residual
from movingtarget.training.by_name import rule_of, rule_of_arm
from movingtarget.training.freezing import freeze_in_order
from movingtarget.training.greedy import greedy
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.layer_rates import lars, layer_rates
from movingtarget.training.locoprop import locoprop_by_descent
from movingtarget.training.muon import muon
from movingtarget.training.random_subset import random_subset
from movingtarget.training.repeated import repeated
from movingtarget.training.sequential import recomputed, round_robin, stale_sequential
from movingtarget.training.simultaneous import simultaneous
from movingtarget.update_orders import ARM_RULES, UPDATE_ORDERS

CONFIG = yaml.safe_load((Path(__file__).parents[1] / "config/config.yaml").read_text(encoding="utf-8"))
STEPS, GIVEN = 6, {"steps": 6, "iterations": 3, "gamma": 0.5}
SIZES = (5, 6, 3, 4)
SQUARE_SIZES = (64, 32, 3, 4)

RULES: dict[str, UpdateRule] = {
    "simultaneous": simultaneous,
    "stale": stale_sequential,
    "forward": recomputed("forward"),
    "backward": recomputed("backward"),
    "random": recomputed("random"),
    "fresh": recomputed("forward", fresh=True),
    "repeated": repeated(fresh=False),
    "repeated-fresh": repeated(fresh=True),
    "round-robin": round_robin,
    "random-subset": random_subset("gradient"),
    "muon": muon,
    "random-subset-muon": random_subset("muon"),
    "locoprop-m": locoprop_by_descent(3, 0.5, loss="matching"),
    "locoprop-s": locoprop_by_descent(3, 0.5, loss="squared"),
    "smaller-early": layer_rates(2.6, reverse=False),
    "smaller-late": layer_rates(2.6, reverse=True),
    "lars": lars,
    "freeze": freeze_in_order(STEPS),
    "greedy": greedy(STEPS),
}


def factors() -> list[nn.Module]:
    """Weights of rank 6 // 4."""
    return [nn.Sequential(Linear(below, 1, bias=False), OuterFactor(1, 6)) for below in (5, 6, 6)]


def convolutions() -> list[nn.Module]:
    """Patches of 2 x 2 pixels, then maps of 4 x 4 in two channels."""
    return [Convolution(8, 1, 2, 2, 2), *(WrappedConvolution(4, 2) for _ in range(2))]


def sizes_of(family: str) -> tuple[int, int, int, int]:
    return SQUARE_SIZES if family == "patch-convolution" else SIZES


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: initialise(Feedforward(*SIZES, "tanh"), 3, "tanh"),
    "batch-norm": lambda: initialise(Feedforward(*SIZES, "tanh", "batch-norm"), 3, "tanh"),
    "residual": lambda: initialise(Residual(*SIZES, "tanh", "none", 3**-0.5), 3, "tanh"),
    "residual-unscaled": lambda: initialise(Residual(*SIZES, "tanh", "none", 1.0), 3, "tanh"),
    "residual-batch-norm": lambda: initialise(Residual(*SIZES, "tanh", "batch-norm", 1.0), 3, "tanh"),
    "crelu": lambda: initialise(Feedforward(*SIZES, "crelu"), 3, "crelu"),
    "looks-linear": lambda: initialise(Feedforward(*SIZES, "crelu"), 3, "crelu", mirrored=True),
    "orthogonal": lambda: initialise(Feedforward(*SIZES, "tanh"), 3, "tanh", "orthogonal"),
    "low-rank": lambda: initialise(Feedforward(*SIZES, "tanh", affine=factors()), 3, "tanh"),
    "patch-convolution": lambda: initialise(
        Feedforward(*SQUARE_SIZES, "tanh", affine=convolutions()), 3, "tanh"
    ),
    "linear": lambda: initialise(Feedforward(*SIZES, "linear"), 3, "linear"),
}


def trained(rule: UpdateRule) -> Tensor:
    """All parameters of two members after some steps on one batch of 32 examples."""
    members = [build_random(Architecture("plain", *SIZES, "tanh"), seed) for seed in (0, 1)]
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, 32, 5, generator=source)
    batch = Batch(inputs, torch.randint(4, (2, 32), generator=source))
    parameters, memory = stack(members), dict[str, Tensor]()
    for _ in range(STEPS):
        outcome = rule(members[0], parameters, batch, memory, torch.tensor([0.1, 0.3]))
        parameters, memory = outcome.parameters, outcome.memory
    return torch.cat([value.flatten() for value in parameters.values()])


@pytest.mark.parametrize("order", UPDATE_ORDERS)
def test_an_order_moves_layers_as_its_rule_does(order: str):
    assert torch.equal(trained(rule_of(order, GIVEN)), trained(RULES[order]))


def test_no_two_orders_are_the_same_but_for_the_control():
    reached = {order: trained(rule) for order, rule in RULES.items()}
    same = {pair for pair in combinations(reached, 2) if torch.equal(*(reached[order] for order in pair))}
    assert same == {("simultaneous", "stale")}
    assert [order for order, entry in UPDATE_ORDERS.items() if entry.group == "control"] == ["stale"]


@pytest.mark.parametrize(("arm", "order"), [("sgd", "simultaneous"), ("locoprop", "locoprop-m")])
def test_an_arm_is_trained_by_the_order_it_means(arm: str, order: str):
    assert torch.equal(trained(rule_of_arm(arm, GIVEN)), trained(RULES[order]))
    assert set(ARM_RULES) == {"sgd", "locoprop"}


@pytest.mark.parametrize(("name", "near"), [("lars", ""), ("locoprp", r" \(did you mean locoprop\?\)")])
def test_an_arm_of_another_rule_is_refused(name: str, near: str):
    with pytest.raises(ValueError, match=rf"update_rule '{name}' is unknown{near}; allowed: sgd, locoprop"):
        rule_of_arm(name, GIVEN)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match=r"order 'forwards' is unknown \(did you mean forward\?\)"):
        rule_of("forwards", GIVEN)


def orders_tables(images: Images, regime: str, order: str, **changes: Any) -> dict[str, pd.DataFrame]:
    settings: dict[str, Any] = {
        **{"seeds": [0], "tuning_seeds": [9], "learning_rates": [0.1], "hidden_width": 6, "depth": 2},
        **{"activation": "relu", "initial_weights": "normal", "evaluation_examples": 20},
        **{"given": {"iterations": 2, "gamma": 1.0}, "examples": 8, "sweeps": 2},
    }
    return update_orders.measure(images, regime, order, "plain", **settings | changes)


def test_a_fresh_sweep_gives_each_layer_a_minibatch_of_the_size_set(images: Images):
    """It costs what a forward sweep of that batch costs, and the inputs of each layer computed anew."""
    tables = {order: orders_tables(images, "fresh", order)["update_orders"] for order in ("forward", "fresh")}
    flops = {order: table[table["step"] == 1]["flops"].max() for order, table in tables.items()}
    assert flops["fresh"] - flops["forward"] == 2 * 8 * 5 * 6  # the bottom layer's outputs once more


def test_a_full_batch_is_of_the_first_images_and_others_of_all(images: Images):
    def changed(regime: str, place: int) -> bool:
        inputs = images.train_inputs.clone()
        inputs[place] += 3
        tables = [
            orders_tables(data, regime, "simultaneous", sweeps=8, evaluation_examples=8)["update_orders"]
            for data in (images, images._replace(train_inputs=inputs))
        ]
        return not tables[0].equals(tables[1])

    assert changed("full-batch", 7)
    assert not changed("full-batch", 8)
    assert changed("minibatch", 59)


@pytest.mark.parametrize(
    ("regime", "sweep"), [("full-batch", "forward"), ("minibatch", "forward"), ("fresh", "fresh")]
)
def test_the_long_budget_is_that_of_the_regimes_sweeps(images: Images, regime: str, sweep: str):
    tables = [orders_tables(images, regime, order) for order in ("simultaneous", sweep)]
    ends = [
        table["update_orders"].groupby("budget")[["step", "flops"]].max().to_dict("index") for table in tables
    ]
    assert ends[0]["sweep"] == ends[0]["flop"]
    assert ends[1]["sweep"] == ends[1]["long-flop"]
    a_step = ends[0]["sweep"]["flops"] / ends[0]["sweep"]["step"]
    assert abs(ends[0]["long-flop"]["flops"] - ends[1]["sweep"]["flops"]) <= a_step / 2


def test_each_regime_is_run_with_its_own_examples_and_sweeps():
    """From the config to the jobs, which take nothing else of it."""
    config = copy.deepcopy(CONFIG)
    numbers = {"full-batch": (31, 32), "minibatch": (41, 42), "fresh": (51, 52)}
    for regime, (examples, sweeps) in numbers.items():
        config["update_orders"]["regimes"][regime] |= {"examples": examples, "sweeps": sweeps}
    config["locoprop"] = {"iterations": 61, "gamma": 62.0}
    jobs = studies()["update_orders"].jobs(config)
    names = set()
    for job in jobs:
        arm = job.settings
        names.add((arm["regime"], arm["order"], arm["network"]))
        assert job.name == "{regime}-{order}-{network}".format(**arm)
        assert (arm["examples"], arm["sweeps"]) == numbers[arm["regime"]]
        assert arm["given"] == (config["locoprop"] if arm["order"].startswith("locoprop") else {})
        assert job.families == (arm["network"],)
        assert set(job.orders) == {arm["order"], "simultaneous", update_orders.SWEEPS[arm["regime"]]}
    assert len(names) == len(jobs)
    assert names == {
        (regime, order, network)
        for regime, plan in config["update_orders"]["regimes"].items()
        for arms in plan["arms"]
        for order in arms["orders"]
        for network in arms["networks"]
    }
    (timed,) = studies()["update_order_times"].jobs(config)
    arms = [tuple(arm[key] for key in ("regime", "order", "network")) for arm in timed.settings["arms"]]
    assert len(arms) == len(names)
    assert set(arms) == names
    assert {(arm["regime"], arm["examples"]) for arm in timed.settings["arms"]} == {
        (regime, examples) for regime, (examples, _) in numbers.items()
    }


def test_the_largest_rates_have_their_own_examples_and_sweeps():
    config = copy.deepcopy(CONFIG)
    config["stable_rates"]["horizons"] = {
        "full-batch": {"examples": 31, "sweeps": 32},
        "minibatch": {"examples": 41, "sweeps": 42},
    }
    jobs = studies()["stable_rates"].jobs(config)
    assert len(jobs) == 2 * len(CONFIG["stable_rates"]["orders"]) * len(CONFIG["stable_rates"]["networks"])
    for job in jobs:
        horizon = {key: job.settings[key] for key in ("examples", "sweeps")}
        assert horizon == config["stable_rates"]["horizons"][job.settings["regime"]]
        assert job.orders == (job.settings["order"],)
        assert job.settings["seeds"] == CONFIG["update_orders"]["seeds"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_builds_its_network(family: str):
    expected = NETWORKS[family]()
    built = build_random(Architecture(family, *sizes_of(family), "tanh"), 3)
    inputs = torch.randn(9, sizes_of(family)[0])
    assert torch.equal(built(inputs), expected(inputs))


def test_no_two_families_are_the_same_function():
    inputs = torch.randn(9, 64)
    outputs = [build_random(Architecture(family, *SQUARE_SIZES, "tanh"), 3)(inputs) for family in FAMILIES]
    assert not any(torch.equal(*pair) for pair in combinations(outputs, 2))


def test_weights_are_drawn_as_the_architecture_says():
    orthogonal = build_random(Architecture("plain", 6, 6, 1, 6, "linear", "orthogonal"), 0)
    weight = orthogonal.get_parameter("hidden.0.linear.weight")
    torch.testing.assert_close(weight @ weight.T, torch.eye(6), atol=1e-5, rtol=0)


def looks(entries: dict[str, Any]) -> set[str]:
    return {str(entry.look) for entry in entries.values()}


def test_every_name_has_a_title_and_a_look_of_its_own():
    for entries in (FAMILIES, UPDATE_ORDERS, ESTIMATORS):
        assert len({entry.title for entry in entries.values()}) == len(looks(entries)) == len(entries)
    assert LOOKS["locoprop"] == UPDATE_ORDERS["locoprop-m"].look


@pytest.mark.parametrize("name", studies())
def test_a_study_is_called_with_arguments_that_it_takes(name: str):
    study = studies()[name]
    measure = import_module(f"movingtarget.experiments.{name}").measure
    parameters = inspect.signature(measure).parameters
    open_ended = any(given.kind is given.VAR_KEYWORD for given in parameters.values())
    needed = {key for key, given in parameters.items() if given.default is given.empty and given.kind != 4}
    needs = {
        *study.reads,
        "say",
        *(["images"] if study.images else []),
        *(["members"] if study.members else []),
    }
    needs |= {"kept", "keep"} if study.resumable else set()
    assert study.resumable or not {"kept", "keep"} & {*parameters}
    for job in study.jobs(CONFIG):
        given = {*job.settings} | needs
        assert needed <= given
        assert open_ended or given <= {*parameters}
        assert set(job.families) <= set(FAMILIES)
        assert set(job.orders) <= set(UPDATE_ORDERS)
        assert set(job.estimators) <= set(ESTIMATORS)


def test_studies_declare_the_settings_of_the_config():
    assert {name: [*study.settings] for name, study in studies().items() if study.settings} == {
        name: [*CONFIG[name]] for name in studies() if name in CONFIG
    }


@pytest.mark.parametrize("name", figures())
def test_a_figure_is_drawn_from_as_many_tables_as_it_takes(name: str):
    draw = import_module(f"movingtarget.figures.{name}").draw
    assert len(inspect.signature(draw).parameters) == len(figures()[name].tables)


def squares(train: int, test: int) -> Images:
    """Standard normal "images" of 3 x 3 pixels in four classes."""
    source = torch.Generator().manual_seed(5)
    inputs = torch.randn(train + test, 9, generator=source)
    labels = torch.arange(train + test) % 4
    return Images(inputs[:train], labels[:train], inputs[train:], labels[train:])


ARM = {"network": "batch-norm", "depth": 2, "update_rule": "sgd"}


def members(inputs: int = 9, width: int = 6) -> dict[int, Parameters]:
    architecture = Architecture("batch-norm", inputs, width, 2, 4, "relu")
    return {step: stack([build_random(architecture, seed) for seed in (step, 8)]) for step in (0, 5)}


POPULATIONS: dict[str, Callable[[Images], np.ndarray]] = {
    "image_gradients": lambda images: image_gradients.measure(
        ARM, members(), images, [0, 8], 6, "relu", examples=3
    )["image_gradients"]["value"].to_numpy(),
    "shattering_in_training": lambda images: shattering_in_training.measure(
        ARM, members(), images, [0, 8], 6, "relu", examples=3, lines=1, points=5
    )["shattering_in_training"]["value"].to_numpy(),
}


@pytest.mark.parametrize("study", POPULATIONS)
def test_the_population_is_the_first_training_images_ten_for_each_measured(study: str):
    images = squares(40, 12)
    measured = POPULATIONS[study](images)

    def changed(place: int) -> bool:
        inputs = images.train_inputs.clone()
        inputs[place] *= 30
        return not np.array_equal(POPULATIONS[study](images._replace(train_inputs=inputs)), measured)

    assert changed(0)
    assert changed(29)
    assert not changed(30)


def test_layers_of_a_linear_network_are_read_through_independent_noise():
    """Of a rotation, each of 9 directions counts -ln(1 - (1 / 2)^2) / 2 at noise of a layer's size."""
    images = squares(4, 2000)
    drawn = stack([build_random(Architecture("linear", 9, 9, 2, 4, "relu", "orthogonal"), 0)])
    network = build_random(Architecture("linear", 9, 9, 2, 4, "relu", "orthogonal"), 0)
    (pair,) = successive(network, drawn, images.train_inputs, images.test_inputs)
    reading = Reading(["gaussian"], [1.0], ["root-mean-square", "deviation"])
    expected = -9 / 2 * np.log(1 - 0.5**2)
    for record in read([pair], reading, [0]):
        assert record["value"] == pytest.approx(expected, abs=0.1)
    for record in read([permuted(pair)], reading, [0]):
        assert record["value"] == pytest.approx(0, abs=0.1)


SAID: dict[str, Callable[[Tensor, Tensor], Estimate]] = {
    "gaussian": gaussian,
    "copula": copula,
    "pairwise-lower": partial(pairwise_lower, noise=0.5),
    "pairwise-upper": partial(pairwise_upper, noise=0.5),
    "nearest-neighbours": partial(nearest_neighbours, neighbours=3),
    "nearest-neighbours-of-components": partial(nearest_neighbours_of_components, neighbours=3, components=3),
    "binned": partial(binned, bins=8),
    "sliced": partial(sliced, slices=8, neighbours=3),
    "alignment": alignment,
}


def test_every_estimator_is_what_its_name_says():
    assert [*SAID] == [*ESTIMATORS]
    source = torch.Generator().manual_seed(0)
    below = torch.randn(60, 4, generator=source, dtype=torch.double)
    above = below.abs() + 0.1 * torch.randn(60, 4, generator=source, dtype=torch.double)
    values = {}
    for name, function in SAID.items():
        told = {"noise": 0.5} if ESTIMATORS[name].adds_noise else {}
        np.testing.assert_equal(tuple(estimate(name, below, above, **told)), tuple(function(below, above)))
        values[name] = function(below, above).value
    assert len(set(values.values())) == len(values)


def test_digits_are_as_many_as_the_catalogue_says():
    digits = DATASETS["digits"]
    sizes = np.bincount(load_digits().target[: digits.training_images])
    assert digits.class_sizes == tuple(sizes.tolist())
    assert digits.training_images + digits.test_images == len(load_digits().target)
    assert digits.side**2 == load_digits().data.shape[1]
    assert [(name, entry.name) for name, entry in DATASETS.items()] == [(name, name) for name in DATASETS]


CLAIM = """
id: example
kind: paper
paper: nobody
place: nowhere
statement: nothing
table: training
estimand: mean
select: {network: plain, depth: 3, update_rule: sgd, quantity: train_loss, step: last, learning_rate: 0.1}
holds_if: {below: 1}
seeds: 5
scale: default
"""


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("network: plain", "network: plian", r"select.network is 'plian' \(did you mean plain\?\)"),
        ("rule: sgd", "rule: sdg", r"select.update_rule is 'sdg' \(did you mean sgd\?\)"),
        ("table: training", "table: trianing", r"table is trianing \(did you mean training\?\)"),
    ],
)
def test_a_claim_about_an_unknown_name_is_refused_with_the_nearest(right: str, wrong: str, message: str):
    check_claims([yaml.safe_load(CLAIM)])
    with pytest.raises(ValueError, match=f"claim example: {message}"):
        check_claims([yaml.safe_load(CLAIM.replace(right, wrong))])


def test_members_do_as_the_stack_says():
    """The parameters that a study is given by name are those that its network is called with."""
    network = build_random(Architecture("batch-norm", 9, 6, 2, 4, "relu"), 0)
    inputs = torch.randn(7, 9)
    torch.testing.assert_close(call(network, members()[0], inputs)[0], network(inputs))
