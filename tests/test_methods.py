"""Names and looks of methods, and the rules that their names make."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from movingtarget.autoencoders import METHOD
from movingtarget.methods import METHODS
from movingtarget.networks import stack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.training import foof, kfac, optimisers, proxprop, shampoo
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.locoprop import locoprop
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.trials import rule_of_method

VALUE = 0.5
GIVEN = {"iterations": 3, "renewal_steps": 2}

RULES: dict[str, Callable[[], UpdateRule]] = {
    "sgd": lambda: simultaneous,
    "momentum": lambda: optimisers.heavy_ball(VALUE),
    "nesterov": lambda: optimisers.nesterov(VALUE),
    "adagrad": lambda: optimisers.adagrad(VALUE),
    "rmsprop": lambda: optimisers.torch_rmsprop(VALUE),
    "adam": lambda: optimisers.adam(VALUE),
    "muon": lambda: optimisers.muon_with_adam(VALUE),
    "shampoo": lambda: shampoo.shampoo(VALUE, 2),
    "soap": lambda: optimisers.soap(VALUE, 2),
    "k-fac": lambda: kfac.kfac(VALUE, 2),
    "foof": lambda: foof.foof(VALUE),
    "proxprop": lambda: proxprop.proxprop(VALUE),
    "locoprop-s": lambda: locoprop(3, VALUE, "squared"),
    "locoprop-m": lambda: locoprop(3, VALUE, "matching"),
}


def trained(rule: UpdateRule) -> Tensor:
    """All parameters of two members after some steps on one batch of images."""
    members = [initialise_glorot(autoencoder(6, [5, 2]), seed) for seed in (0, 1)]
    images = torch.rand(2, 8, 6, generator=torch.Generator().manual_seed(0))
    parameters, memory = stack(members), dict[str, Any]()
    for _ in range(4):
        outcome = rule(members[0], parameters, Batch(images, images), memory, torch.tensor([1e-3, 3e-3]))
        parameters, memory = outcome.parameters, outcome.memory
    return torch.cat([value.flatten() for value in parameters.values()])


def test_every_method_has_a_name_and_a_look_of_its_own():
    assert set(METHODS) == set(RULES) == {*METHOD}
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    for key in ("color", "marker"):
        assert len({method.look[key] for method in METHODS.values()}) == len(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_moves_layers_as_its_rule_does(method: str):
    assert torch.equal(trained(rule_of_method(method, VALUE, GIVEN)), trained(RULES[method]()))


def test_no_two_methods_are_the_same():
    reached = [tuple(trained(make()).tolist()) for make in RULES.values()]
    assert len({*reached}) == len(RULES)


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_what_a_method_is_made_of_says_nothing_of_figures_and_tells_it_from_others(method):
    assert replace(method, title="another", look={}, group="first-order").made_of == method.made_of
    assert [other.made_of for other in METHODS.values()].count(method.made_of) == 1
