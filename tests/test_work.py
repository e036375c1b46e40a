"""Counts of work against those that training and torch's own layers make."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingtarget import work
from movingtarget.networks import Architecture, build
from movingtarget.networks.autoencoder import autoencoder
from movingtarget.networks.convolution import convolutional_chain
from movingtarget.training.budgets import flops_of_a_step
from movingtarget.training.interface import forward_flops
from movingtarget.update_orders import UPDATE_ORDERS, step_of_order
from movingtarget.work import Work

COUNTS = st.integers(1, 50)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual", "crelu", "looks-linear", "linear"])
def test_products_of_a_perceptron_are_those_of_its_layers(family: str):
    network = build(Architecture(family, 36, 16, 5, 4, "relu"))
    assert work.perceptron(family, 36, 16, 5, 4).products == forward_flops(network, 1) / 2


def test_products_of_convolutions_are_those_of_their_layers():
    network = convolutional_chain(8, [4, 6], 3, "relu")
    assert work.convolutions(64, [4, 6], [2, 2], 3).products == forward_flops(network, 1) / 2


def test_products_of_an_autoencoder_are_those_of_its_layers():
    sizes = [(36, 8), (8, 3), (3, 8), (8, 36)]
    assert work.of_sizes(sizes).products == forward_flops(autoencoder(36, [8, 3]), 1) / 2


@pytest.mark.parametrize("order", ["simultaneous", "forward", "repeated", "round-robin", "random-subset"])
def test_products_of_a_step_are_those_that_budgets_count(order: str):
    network = build(Architecture("plain", 784, 64, 8, 10, "relu"))
    counted = step_of_order(order, work.perceptron("plain", 784, 64, 8, 10), 1, 64).products
    assert counted == pytest.approx(flops_of_a_step(order, network, 64, {}) / 2, rel=0.05)


@pytest.mark.parametrize("iterations", [1, 5, 10])
def test_local_steps_cost_what_the_rule_says(iterations: int):
    given_settings = {"iterations": iterations, "gamma": 1.0}
    flops = flops_of_a_step(
        "locoprop-m", build(Architecture("plain", 784, 64, 8, 10, "relu")), 64, given_settings
    )
    network = work.perceptron("plain", 784, 64, 8, 10)
    counted = step_of_order("locoprop-m", network, 1, 64, iterations).products
    assert counted == pytest.approx(flops / 2)


@pytest.mark.parametrize("order", UPDATE_ORDERS)
def test_every_order_takes_a_step_of_as_many_members_as_work(order: str):
    network = work.perceptron("plain", 20, 10, 3, 4)
    one, three = (step_of_order(order, network, members, 8) for members in (1, 3))
    assert three.products == pytest.approx(3 * one.products)
    assert three.elements == pytest.approx(3 * one.elements)
    assert three.calls == one.calls > 0


@given(st.lists(COUNTS, min_size=4, max_size=4), COUNTS)
def test_work_done_again_is_as_much_more_but_holds_no_more(counts: list[int], times: int):
    products, elements, calls, held = counts
    one = Work(products, elements, calls, held)
    assert times * one == Work(times * products, times * elements, times * calls, held)
    assert one + one == 2 * one == work.total([one, one])


def test_a_search_is_beside_what_it_chooses_for():
    settings = {"seeds": [0, 1], "tuning_seeds": [100], "learning_rates": [0.1, 0.2]}
    of_step = partial(work.step, work.perceptron("plain", 20, 10, 3, 4), examples=8)
    more = work.tuned({**settings, "learning_rates": [0.1, 0.2, 0.4]}, 5, of_step)
    assert more.products > work.tuned(settings, 5, of_step).products > 5 * of_step(members=2).products
