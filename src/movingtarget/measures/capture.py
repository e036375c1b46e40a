"""What flows into and out of a module's parts during one call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from torch import Tensor, nn

Kept = TypeVar("Kept")


@contextmanager
def capture(
    parts: Mapping[str, nn.Module], keep: Callable[[Tensor, Tensor], Kept]
) -> Iterator[dict[str, Kept]]:
    """A dict that fills with `keep(input, output)` of each part when the network is called inside."""
    seen: dict[str, Kept] = {}
    handles = [part.register_forward_hook(_hook(seen, name, keep)) for name, part in parts.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _hook(
    seen: dict[str, Kept], name: str, keep: Callable[[Tensor, Tensor], Kept]
) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
    def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen[name] = keep(inputs[0], output)

    return hook
