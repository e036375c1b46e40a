"""What the user's own code makes: objects by dotted name, and what is wrong with it in one line."""

import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

from movingtarget.names import meant
from movingtarget.probing.refused import CannotMeasure

LONGEST = 400
"""Of an error's message, in letters."""


class Built(NamedTuple):
    """What a build function returned.

    Attributes:
        network: a module.
        loss: of outputs and targets.
        batches: its own, or None.
        optimiser: of the network.
    """

    network: Any
    loss: Callable[..., Any]
    batches: Iterable[Any] | None
    optimiser: Any


def named(place: str) -> Any:
    """The object "module:name", modules of the current folder included.

    Raises:
        CannotMeasure: there is no such module or name, or the module raises.
    """
    module_name, colon, name = place.partition(":")
    if not (module_name and colon and name):
        raise CannotMeasure(f"'{place}' names no object; write module:name, such as my_module:build")
    found = _module(module_name)
    for part in name.split("."):
        if not hasattr(found, part):
            raise CannotMeasure(
                f"module {module_name} has no '{name}'{meant(name, vars(_module(module_name)))}"
            )
        found = getattr(found, part)
    return found


def _module(name: str) -> Any:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise CannotMeasure(
                f"there is no module {error.name} in {folder} or among installed ones"
            ) from None
        raise CannotMeasure(f"importing {name} raised {said(error)}") from error
    except (Exception, SystemExit) as error:
        raise CannotMeasure(f"importing {name} raised {said(error)}") from error


def build(place: str) -> Built:
    """Call the build function of that name.

    Raises:
        CannotMeasure: it cannot be had or called, raises, or returns something else.
    """
    import torch

    built = call(place)
    if not isinstance(built, tuple) or len(built) not in (3, 4):
        returned = f"a tuple of {len(built)}" if isinstance(built, tuple) else f"a {type(built).__name__}"
        raise CannotMeasure(
            f"{place} returned {returned}; "
            "allowed: (network, loss, optimiser) or (network, loss, batches, optimiser)"
        )
    network, loss, *batches, optimiser = built
    _check(place, "network", network, torch.nn.Module)
    _check(place, "optimiser", optimiser, torch.optim.Optimizer)
    if not callable(loss):
        raise CannotMeasure(
            f"{place}: loss is a {type(loss).__name__}; allowed: a function of outputs and targets"
        )
    return Built(network, loss, batches[0] if batches else None, optimiser)


def _check(place: str, what: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        allowed = f"torch.{'nn' if what == 'network' else 'optim'}.{kind.__name__}"
        raise CannotMeasure(f"{place}: {what} is a {type(value).__name__}; allowed: a {allowed}")


def call(place: str) -> Any:
    """What the function of that name returns.

    Raises:
        CannotMeasure: it cannot be had or called, or raises.
    """
    function = named(place)
    if not callable(function):
        raise CannotMeasure(f"{place} is a {type(function).__name__}; allowed: a function without arguments")
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise CannotMeasure(f"{place} raised {said(error)}") from error


def said(error: BaseException) -> str:
    r"""An error in one line: its class, what it says, and where in the user's code it arose.

    >>> said(ValueError("width is 0,\n  allowed: 1 or more"))
    'ValueError: width is 0, allowed: 1 or more'
    """
    message = " ".join(str(error).split())
    message = message if len(message) <= LONGEST else f"{message[:LONGEST]}…"
    return ": ".join(filter(None, [type(error).__name__, message])) + _place(error)


def reason(error: BaseException) -> str:
    """Why a measurement failed: what a refusal of ours says, else the error with its class and place."""
    frames = extract_tb(error.__traceback__)
    refused = isinstance(error, ValueError) and bool(frames) and _is_ours(frames[-1].filename)
    return " ".join(str(error).split()) if refused else said(error)


def _place(error: BaseException) -> str:
    """The last line of the user's own that was running, in brackets; else the last of all."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}:{error.lineno})"
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    own = [frame for frame in frames if _is_users(frame.filename)]
    return "".join(f" ({frame.filename}:{frame.lineno})" for frame in (own or frames)[-1:])


def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(Path(__file__).parents[1])


def _is_users(filename: str) -> bool:
    path, library = Path(filename), Path(importlib.__file__).parents[1]
    return not (_is_ours(filename) or "site-packages" in path.parts or path.is_relative_to(library))
