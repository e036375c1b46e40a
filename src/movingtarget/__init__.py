"""Networks whose layers chase a moving target: train them, measure them, judge the papers' claims."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movingtarget.probing.probe import probe

__all__ = ["probe"]


def __getattr__(name: str) -> Any:
    """The probe, imported when it is asked for: most of the library's users need no torch."""
    if name == "probe":
        from movingtarget.probing.probe import probe

        return probe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
