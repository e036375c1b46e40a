"""What flows into and out of a module's parts during one call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import nn

Kept = TypeVar("Kept")


@contextmanager
def capture(parts: Mapping[str, nn.Module], keep: Callable[[Any, Any], Kept]) -> Iterator[dict[str, Kept]]:
    """A dict that fills with `keep(input, output)` of each part when the network is called inside.

    The input is the first argument, by place or by name; None if there is none.

    >>> import torch
    >>> network = nn.Sequential(nn.Flatten(), nn.ReLU())
    >>> with capture({"rectifier": network[1]}, lambda before, after: after.tolist()) as seen:
    ...     outputs = network(torch.tensor([[1.0, -2.0]]))
    >>> seen
    {'rectifier': [[1.0, 0.0]]}
    """
    seen: dict[str, Kept] = {}
    handles = [
        part.register_forward_hook(_hook(seen, name, keep), with_kwargs=True) for name, part in parts.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _hook(
    seen: dict[str, Kept], name: str, keep: Callable[[Any, Any], Kept]
) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
    def hook(_: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        seen[name] = keep(next(iter((*inputs, *named.values())), None), output)

    return hook
