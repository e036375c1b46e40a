"""Networks of this project's families, which are known to leave themselves as they are."""

from contextlib import AbstractContextManager, nullcontext

from torch import nn

from movingtarget.measures.untouched import untouched

_HOME = "movingtarget.networks."


def ours(network: nn.Module) -> bool:
    """Whether a network is of this project, and so are all its parts, or torch's.

    >>> ours(nn.Sequential(nn.Linear(2, 2)))
    False
    """
    kinds = {type(part).__module__ for part in network.modules()}
    return type(network).__module__.startswith(_HOME) and all(
        kind.startswith((_HOME, "torch.nn.modules.")) for kind in kinds
    )


def as_before(network: nn.Module) -> AbstractContextManager[None]:
    """Afterwards, all of a network is as before; of ours, which change nothing, no copies are kept."""
    return nullcontext() if ours(network) else untouched(network)
