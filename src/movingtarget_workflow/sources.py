"""What a job's results depend on in the library: the modules that it imports, directly or through others."""

import functools
import hashlib
import re
from collections.abc import Iterable, Set
from pathlib import Path

LIBRARY = "movingtarget"
PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src"

DECLARING = {
    f"{LIBRARY}.{name}"
    for name in (
        *(
            "arms",
            "autoencoders",
            "declarations",
            "estimators",
            "families",
            "faults",
            "figure",
            "look",
            "methods",
            "names",
            "settings",
            "structures",
            "study",
            "tools",
            "update_orders",
            "work",
        ),
        "data.catalogue",
        "probing.quantities",
    )
}
"""Modules that only declare: what a study's job takes from them is among its parameters."""

IMPORT = re.compile(
    rf"^\s*(?:from ({LIBRARY}[\w.]*) import (?:\(([^)]*)\)|(.*))|import ({LIBRARY}[\w.]+))", re.MULTILINE
)


def sources(*modules: str, but: Set[str] = frozenset(DECLARING)) -> list[str]:
    """Modules of the library and every module of it that they import, by full names, in alphabetical order.

    Args:
        modules: names within the library, such as "experiments.line_gradients".
        but: full names of modules that do not count, nor what only they import.

    Raises:
        ValueError: there is no such module.
    """
    found: set[str] = set()
    waiting = [f"{LIBRARY}.{module}" for module in modules]
    while waiting:
        module = waiting.pop()
        if module not in found | but:
            found.add(module)
            waiting += imported_modules(module)
    return sorted(found)


def code_digest(modules: Iterable[str], *files: Path) -> str:
    """Twelve hexadecimal digits of the contents of modules, by their names, and of files."""
    contents = [f"{module} {_content_digest(_path(module))}" for module in modules]
    contents += [f"{file.name} {_content_digest(file)}" for file in files]
    return digest_of_text("\n".join(contents))


def digest(paths: Iterable[str | Path]) -> str:
    """Twelve hexadecimal digits of the SHA-256 of the files' contents, in the order given."""
    contents = b"\0".join(Path(path).read_bytes() for path in paths)
    return hashlib.sha256(contents).hexdigest()[:12]


def digest_of_text(text: str) -> str:
    """Twelve hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@functools.cache
def imported_modules(module: str) -> tuple[str, ...]:
    """Library modules that one imports; a package counts as imported with its modules."""
    names: set[str] = set()
    for package, several, one, plain in IMPORT.findall(_path(module).read_text(encoding="utf-8")):
        members = re.findall(r"\w+", several or one)
        names |= {plain or package} | {f"{package}.{member}" for member in members}
    names |= {name.rpartition(".")[0] for name in [*names, module]}
    return tuple(sorted(name for name in names if _file(name) is not None))


@functools.cache
def _content_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def _file(module: str) -> Path | None:
    place = SOURCE / module.replace(".", "/")
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if module and path.is_file()), None)


def _path(module: str) -> Path:
    path = _file(module)
    if path is None:
        raise ValueError(f"'{module}' is not a module of the library")
    return path
