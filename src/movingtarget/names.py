"""Names that are looked up: what is said of one that is not known."""

import difflib
from collections.abc import Iterable


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """One line about a name that is none of those known, with the nearest of them.

    >>> unknown("network", "plian", ["plain", "residual"])
    "network 'plian' is unknown (did you mean plain?); allowed: plain, residual"
    """
    known = list(known)
    return f"{what} '{name}' is unknown{meant(name, known)}; allowed: {', '.join(known)}"


def meant(name: object, known: Iterable[object]) -> str:
    """The known name nearest to one that is not, as a question in brackets; nothing if none is near.

    >>> meant("sede", ["seed", "step"]), meant("CUDA", ["cpu", "cuda"])
    (' (did you mean seed?)', ' (did you mean cuda?)')
    """
    names = {str(one).lower(): one for one in known}
    near = difflib.get_close_matches(str(name).lower(), names, 1)
    return "".join(f" (did you mean {names[match]}?)" for match in near)
