"""What trainings in any order of updates share: their members, and the examples of a step."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from movingtarget.data.load import Images
from movingtarget.networks import Architecture
from movingtarget.networks.chain import chain
from movingtarget.update_orders import UPDATE_ORDERS


def member_of(images: Images, network: str, settings: Mapping[str, Any]) -> Architecture:
    """The architecture of a family in the study of update orders, sized for the data set."""
    return Architecture(
        family=network,
        inputs=images.features,
        width=settings["hidden_width"],
        depth=settings["depth"],
        outputs=images.classes,
        activation=settings["activation"],
        initial_weights=settings["initial_weights"],
    )


def examples_in_a_step(order: str, network: nn.Module, batch_size: int) -> int:
    """Of one minibatch, or of one for each layer where the order wants fresh ones."""
    return batch_size * (len(chain(network)) if UPDATE_ORDERS[order].fresh else 1)
