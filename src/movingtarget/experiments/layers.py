"""The layers between which experiments measure."""

from torch import nn


def hidden_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The hidden layers of one of the families, bottom first: outputs are activations, or the stream."""
    return {
        f"hidden.{index}": layer for index, layer in enumerate(network.get_submodule("hidden").children())
    }
