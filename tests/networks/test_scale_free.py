"""Weights whose size does not count."""

import torch
from torch.func import functional_call
from torch.testing import assert_close

from movingtarget.networks import Architecture, Parameters, build_random
from movingtarget.networks.scale_free import rescale, scale_free_weights, unit_norms


def test_only_weights_that_batch_norm_follows_are_scale_free():
    for family, expected in {"plain": 0, "residual": 0, "residual-batch-norm": 0, "batch-norm": 3}.items():
        network = build_random(Architecture(family, 5, 6, 3, 4), 0)
        assert len(scale_free_weights(network)) == expected


def test_the_function_stays_when_they_are_scaled():
    network = build_random(Architecture("batch-norm", 5, 6, 3, 4), 0).double()
    parameters: Parameters = dict(network.named_parameters())
    inputs = torch.randn(16, 5).double()
    norms = {
        name: 10 * torch.rand_like(norm) + 1
        for name, norm in unit_norms(parameters, scale_free_weights(network)).items()
    }
    scaled = rescale(parameters, norms)
    for name, norm in norms.items():
        assert_close(scaled[name].norm(dim=1, keepdim=True), norm)
    # batch norm's epsilon feels the size a little
    assert_close(functional_call(network, scaled, inputs), network(inputs), rtol=1e-4, atol=1e-4)


def test_gradients_are_at_right_angles_to_them():
    network = build_random(Architecture("batch-norm", 5, 6, 3, 4), 0).double()
    loss = network(torch.randn(16, 5).double()).square().mean()
    weights = [network.get_parameter(name) for name in scale_free_weights(network)]
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        cosine = (weight * gradient).sum(1) / weight.norm(dim=1) / gradient.norm(dim=1).clamp(min=1e-12)
        assert cosine.abs().max() < 1e-3  # epsilon again
