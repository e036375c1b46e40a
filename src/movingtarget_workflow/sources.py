"""The source files a rule depends on: the library modules that it imports, directly or through others."""

import ast
import functools
import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

LIBRARY = "movingtarget"


def sources(*modules: str) -> list[str]:
    """Paths of modules of the library and of every library module they import, in alphabetical order.

    Snakemake does not see imports; listed among a rule's inputs, these files make it run again when one
    of them changes.

    Args:
        modules: names within the library, such as "experiments.line_gradients".

    Raises:
        ValueError: there is no such module.
    """
    found: set[str] = set()
    waiting = [f"{LIBRARY}.{module}" for module in modules]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += imported_modules(_path(module), module)
    return sorted(str(_path(module)) for module in found)


@functools.cache
def imported_modules(path: Path, module: str = "") -> tuple[str, ...]:
    """Library modules that the file at `path` imports; a package counts as imported with its modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    names |= {name.rpartition(".")[0] for name in [*names, module]}
    return tuple(name for name in names if name.split(".")[0] == LIBRARY and _is_module(name))


def digest(paths: Iterable[str | Path]) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the files' contents, in the order given."""
    contents = b"\0".join(Path(path).read_bytes() for path in paths)
    return hashlib.sha256(contents).hexdigest()[:12]


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the parent is a module, and the name one of its functions
        return False


@functools.cache
def _path(module: str) -> Path:
    spec = find_spec(module) if _is_module(module) else None
    if spec is None or spec.origin is None:
        raise ValueError(f"'{module}' is not a module of the library")
    return Path(spec.origin)
