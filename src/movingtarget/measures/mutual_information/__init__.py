"""Mutual information: estimators, one a file, behind one signature; layers as they are read through noise."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # by relative names: a job that takes an estimator does not depend on these
    from .layers import layer_information, successive_information
    from .read_layer import information, read

__all__ = ["information", "layer_information", "read", "successive_information"]

_PLACES = {
    "information": "read_layer",
    "layer_information": "layers",
    "read": "read_layer",
    "successive_information": "layers",
}


def __getattr__(name: str) -> Any:
    """What is exported, imported when it is asked for: an estimator needs nothing of the others."""
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
