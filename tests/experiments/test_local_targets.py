"""How far layers come on their way to cached targets, and where the real ones go."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments.local_targets import STUDY, measure
from movingtarget.networks.stack import unstack
from movingtarget.training.autoencoders import batch_of, network_of, plan_of, some_images, start_of
from movingtarget.training.loop import train
from movingtarget.training.trials import Trial

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
Method = Literal["locoprop-m", "locoprop-s"]
RATE, GAMMA, EPOCHS = 1e-3, 2.0, 4

SETTINGS: dict[str, Any] = {
    **{"hidden_widths": [5, 3], "normalisation": "none", "batch_size": 10, "activation": "tanh"},
    "iterations": 3,
}
OTHERS: dict[str, Any] = {
    **{"data": "digits", "architecture": "small", "seeds": [3, 4], "search_epochs": EPOCHS},
    **{"training_images": 30, "test_images": 10, "pooling": 1, "epochs": [2, 1]},
}


@pytest.fixture
def pixels() -> Images:
    source = torch.Generator().manual_seed(0)
    inputs = torch.rand(40, 12, generator=source)
    return Images(inputs[:30], torch.zeros(30).long(), inputs[30:], torch.zeros(10).long())


def measured(pixels: Images, method: Method, **changes: Any) -> dict[str, pd.DataFrame]:
    search = pd.DataFrame(
        {
            **{"architecture": "small", "method": method, "learning_rate": [RATE]},
            **{"searched_value": [GAMMA], "place": "best"},
        }
    )
    return measure(pixels, search, method=method, **SETTINGS | OTHERS | changes)


def walk(network: nn.Module, inputs: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Inputs, pre-activations and errors of the four layers, by plain autograd."""
    layers = [part for part in network.children() if isinstance(part, nn.Linear)]
    layer_inputs, pre_activations = [inputs], []
    for place, layer in enumerate(layers):
        pre_activations.append(layer(layer_inputs[-1]))
        layer_inputs.append(pre_activations[-1].tanh() if place in (0, 2) else pre_activations[-1])
    loss = F.binary_cross_entropy_with_logits(pre_activations[-1], inputs, reduction="none").sum(-1).mean()
    errors = torch.autograd.grad(loss, pre_activations)
    detached = [[value.detach() for value in values] for values in (layer_inputs[:-1], pre_activations)]
    return detached[0], detached[1], list(errors)


def reached(place: int, pre_activation: Tensor, method: Method) -> Tensor:
    """What a layer's local loss compares with its target."""
    if method == "locoprop-s" or place == 1:
        return pre_activation
    return pre_activation.tanh() if place in (0, 2) else pre_activation.sigmoid()


@pytest.mark.parametrize("method", ["locoprop-m", "locoprop-s"])
def test_agrees_with_one_network_by_plain_autograd(pixels: Images, method: Method, written: Written) -> None:
    table = written(measured(pixels, method)["local_targets"], "local_targets")
    assert len(table) == 2 * 4 * 2 * 3
    found = table.set_index(["epoch", "layer", "seed", "quantity"])["value"]
    few = some_images(pixels, 30, 10, 1)
    plan = plan_of(few, method, [Trial(RATE, GAMMA)], [3, 4], EPOCHS, SETTINGS)
    for epoch in (1, 2):
        state = train(replace(plan, steps=3 * epoch), start_of(plan, SETTINGS))
        batch = batch_of(plan, epoch)
        before = {name: value.clone() for name, value in state.parameters.items()}
        rates = torch.full((2,), RATE * plan.schedule(3 * epoch))
        after = plan.rule(plan.network, state.parameters, batch, state.memory, rates).parameters
        for place, seed in enumerate((3, 4)):
            old, new = network_of(12, SETTINGS), network_of(12, SETTINGS)
            old.load_state_dict(unstack(before, place))
            new.load_state_dict(unstack(after, place))
            inputs, there, errors = walk(old, batch.inputs[place])
            _, moved_there, moved_errors = walk(new, batch.inputs[place])
            layers = [part for part in new.children() if isinstance(part, nn.Linear)]
            for at, layer in enumerate(layers):
                alone = network_of(12, SETTINGS)
                alone.load_state_dict(unstack(before, place))
                [*filter(lambda part: isinstance(part, nn.Linear), alone.children())][at].load_state_dict(
                    layer.state_dict()
                )
                _, alone_there, alone_errors = walk(alone, batch.inputs[place])
                own_target = reached(at, alone_there[at], method) - GAMMA * alone_errors[at]
                target = reached(at, there[at], method) - GAMMA * errors[at]
                new_target = reached(at, moved_there[at], method) - GAMMA * moved_errors[at]
                way = target - reached(at, there[at], method)
                left = target - reached(at, layer(inputs[at]), method)
                drift = new_target - own_target
                expected = {
                    "left": (left.norm() / way.norm()).item(),
                    "moved": (drift.norm() / way.norm()).item(),
                    "cosine": F.cosine_similarity(way.flatten(), drift.flatten(), 0).item(),
                }
                for quantity, value in expected.items():
                    assert found[epoch, at + 1, seed, quantity] == pytest.approx(value, rel=2e-4, abs=2e-4)


def test_layers_that_do_not_move_leave_all_of_the_way(pixels: Images) -> None:
    search = pd.DataFrame(
        {
            **{"architecture": "small", "method": "locoprop-m", "learning_rate": [1e-30]},
            **{"searched_value": [GAMMA], "place": "best"},
        }
    )
    table = measure(pixels, search, method="locoprop-m", **SETTINGS | OTHERS)["local_targets"]
    values = table.groupby("quantity")["value"]
    assert values.get_group("left").tolist() == pytest.approx([1.0] * 16, rel=1e-6)
    assert values.get_group("moved").tolist() == pytest.approx([0.0] * 16, abs=1e-6)


@pytest.mark.parametrize("method", ["locoprop-m", "locoprop-s"])
def test_one_local_step_is_backpropagations(pixels: Images, method: Method, written: Written) -> None:
    table = written(measured(pixels, method)["one_local_step"], "one_local_step")
    assert table["seed"].tolist() == [3, 4]
    assert (table["value"] < 1e-5).all()
    assert (table["value"] > 0).all()


def test_a_job_for_each_method() -> None:
    section = {
        **{
            key: OTHERS[key]
            for key in ("seeds", "search_epochs", "training_images", "test_images", "pooling")
        },
        **{key: SETTINGS[key] for key in ("batch_size", "activation", "iterations")},
        "architectures": [
            {"name": "small", "hidden_widths": [5, 3], "normalisation": "none", "methods": ["sgd"]}
        ],
    }
    local = {"methods": ["locoprop-s", "locoprop-m"], "epochs": [2, 1]}
    jobs = STUDY.jobs({"dataset": "digits", "autoencoders": section, "local_targets": local})
    assert [job.name for job in jobs] == ["locoprop-s", "locoprop-m"]
    assert jobs[1].settings == SETTINGS | OTHERS | {"method": "locoprop-m"}


def searched(**section: Any) -> dict[str, Any]:
    first = {"name": "small", "methods": ["sgd", "locoprop-m"]}
    return {"autoencoders": {"search_epochs": 4, "architectures": [first]}, **section}


@pytest.mark.parametrize("epochs", [[4], [1, 7]])
def test_epochs_lie_within_the_training(epochs: list[int]) -> None:
    config = searched(local_targets={"methods": ["locoprop-m"], "epochs": epochs})
    [problem] = STUDY.problems(config)
    assert problem == (
        f"local_targets.epochs has {max(epochs)}; allowed: below 4, autoencoders.search_epochs"
    )


def test_methods_are_those_that_have_settings() -> None:
    config = searched(local_targets={"methods": ["locoprop-m", "locoprop-s"], "epochs": [1]})
    [problem] = STUDY.problems(config)
    assert problem == (
        "local_targets.methods has locoprop-s; allowed: those of the first of autoencoders.architectures, "
        "sgd, locoprop-m"
    )
