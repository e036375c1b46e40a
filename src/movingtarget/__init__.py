"""Networks whose layers chase a moving target: train them, measure them, judge the papers' claims."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # relative: what the workflow counts as a use would be one of every job
    from .probing.page import write_page
    from .probing.probe import probe
    from .probing.summary import summary

__all__ = ["probe", "summary", "write_page"]

_PLACES = {"probe": "probe", "summary": "summary", "write_page": "page"}


def __getattr__(name: str) -> Any:
    """What is exported, imported when it is asked for: most of the library's users need no torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"movingtarget.probing.{_PLACES[name]}"), name)
