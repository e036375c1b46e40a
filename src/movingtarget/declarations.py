"""What modules declare, read without running the rest of them: planning a run needs no numerical library."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from movingtarget.figure import Drawing
    from movingtarget.study import Study
    from movingtarget.tables import Schema

LIBRARY = Path(__file__).parent


@functools.cache
def studies() -> "dict[str, Study]":
    """Every study by the name of its module, which is also that of its section of the config."""
    return _declared_in("experiments", "STUDY")


@functools.cache
def figures() -> "dict[str, Drawing]":
    """Every figure by the name of its module."""
    return _declared_in("figures", "FIGURE")


@functools.cache
def schemas() -> "dict[str, Schema]":
    """The schema of every table that a study makes, by name.

    Raises:
        ValueError: two studies make a table of one name.
    """
    found: dict[str, Schema] = {}
    for name, study in studies().items():
        for table, schema in study.tables.items():
            if table in found:
                raise ValueError(f"table {table} is made twice, the second time by study {name}")
            found[table] = schema
    return found


def declared(module: Path, name: str) -> Any:
    """The value that a module gives a name, made by those of its statements alone that it takes.

    Those are the statements that bind the name, the ones that bind names read there, and so on.

    Args:
        module: a Python file.
        name: bound at its top level.

    Raises:
        KeyError: it is not.
    """
    statements = ast.parse(module.read_text(encoding="utf-8"), str(module)).body
    binding: dict[str, list[int]] = {}
    for place, statement in enumerate(statements):
        for bound in _bound(statement):
            binding.setdefault(bound, []).append(place)
    waiting, taken = [*binding[name]], set[int]()
    while waiting:
        place = waiting.pop()
        if place not in taken:
            taken.add(place)
            waiting += [other for read in _read(statements[place]) for other in binding.get(read, [])]
    slice_ = ast.Module([statements[place] for place in sorted(taken)], type_ignores=[])
    namespace: dict[str, Any] = {"__name__": f"declaration of {module.stem}", "__file__": str(module)}
    exec(compile(slice_, str(module), "exec"), namespace)
    return namespace[name]


def _declared_in(package: str, name: str) -> dict[str, Any]:
    """By module, what each module of a package declares that binds the name."""
    return {
        path.stem: declared(path, name)
        for path in sorted((LIBRARY / package).glob("*.py"))
        if re.search(rf"^{name}\b.* = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement at the top level binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = [node for target in targets for node in ast.walk(target)]
        yield from (node.id for node in nodes if isinstance(node, ast.Name))


def _read(statement: ast.stmt) -> Iterator[str]:
    return (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
