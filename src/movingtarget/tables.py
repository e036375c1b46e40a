"""Results tables: what a column holds, checked whenever a table is written or read."""

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

Kind = type | tuple[str, ...]
"""Of a column's values: `str`, `int` or `float`, or text from a closed list."""


class Column(NamedTuple):
    """What a column holds, and what for.

    Attributes:
        kind: of its values.
        role: a "key" tells rows apart, what "follows" from the keys does not, nor does what was "measured",
            which claims are about and which may be NaN or infinite.
        may_be_nan: whether a key or what follows from keys may be NaN.
    """

    kind: Kind
    role: Literal["key", "follows", "measured"] = "key"
    may_be_nan: bool = False


MEASURED = Column(float, "measured")
OPTIONAL = Column(float, may_be_nan=True)
"""A number that some arms have not: NaN there."""


def follows(kind: Kind, may_be_nan: bool = False) -> Column:
    """A column whose values follow from the keys."""
    return Column(kind, "follows", may_be_nan)


Schema = Mapping[str, Kind | Column]
"""Ordered columns of a table; a mere kind is that of a key."""


def columns(schema: Schema) -> dict[str, Column]:
    """The columns of a schema, keys spelt out."""
    return {name: what if isinstance(what, Column) else Column(what) for name, what in schema.items()}


def of_role(schema: Schema, *roles: str) -> dict[str, Kind]:
    """The kinds of those columns that have one of the roles."""
    return {name: column.kind for name, column in columns(schema).items() if column.role in roles}


def write_table(frame: "pd.DataFrame", schema: Schema, path: Path | str) -> None:
    """Check a table against its schema and write it as CSV, columns as in the schema, rows as they come.

    Floats are written so that they round-trip, NaN as `nan`. The file appears whole or not at all.

    Args:
        frame: the rows; the index is left out.
        schema: of the table.
        path: the file to write.

    Raises:
        ValueError: one line naming the file, the column and what is wrong with it.
    """
    path = Path(path)
    ordered = [column for column in schema if column in frame]
    table = _checked(frame[[*ordered, *frame.columns.difference(ordered, sort=False)]], schema, path)
    part = path.with_name(path.name + ".part")
    try:
        table.to_csv(part, index=False, na_rep="nan", lineterminator="\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_table(path: Path | str, schema: Schema) -> "pd.DataFrame":
    """Read a table that `write_table` wrote, with the types and values it was written with.

    Raises:
        ValueError: one line naming the file, the column and what is wrong with it.
    """
    import pandas as pd

    path = Path(path)
    try:
        with warnings.catch_warnings(action="error"):
            texts = pd.read_csv(path, dtype=str, na_filter=False, index_col=False, encoding="utf-8")
        kinds = {name: column.kind for name, column in columns(schema).items() if name in texts}
        frame = texts.astype({name: _dtype(kind) for name, kind in kinds.items()})
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return _checked(frame, schema, path)


def join_parts(parts: Sequence[Path | str], schema: Schema, path: Path | str) -> None:
    """Put the parts of a table, each checked when it was written, into one file, whole or not at all.

    Raises:
        ValueError: a part has other columns; one line naming the file.
    """
    header, path = ",".join(schema) + "\n", Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as whole:
            whole.write(header)
            for file in map(Path, parts):
                with file.open(encoding="utf-8", newline="") as lines:
                    if (found := next(lines, "")) != header:
                        raise ValueError(f"{file}: columns are {found.strip()}; allowed: {header.strip()}")
                    whole.writelines(lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _dtype(kind: Kind) -> str:
    return "int64" if kind is int else "float64" if kind is float else "str"


def _checked(frame: "pd.DataFrame", schema: Schema, path: Path) -> "pd.DataFrame":
    """The frame with its columns in the schema's types, once nothing is wrong with it."""
    if list(frame.columns) != list(schema):
        raise ValueError(f"{path}: columns are {', '.join(map(str, frame))}; allowed: {', '.join(schema)}")
    for name, column in columns(schema).items():
        if not frame.empty and (problem := _problem(frame[name], column)):
            raise ValueError(f"{path}: column {name}: {problem}")
    key = list(of_role(schema, "key"))
    repeats = frame.loc[frame.duplicated(key), key]
    if not repeats.empty:
        row = ", ".join(f"{column} {value}" for column, value in repeats.iloc[0].items())
        raise ValueError(f"{path}: two rows have {row}")
    kinds = {name: _dtype(column.kind) for name, column in columns(schema).items()}
    return frame.astype(kinds).reset_index(drop=True)


def _problem(values: "pd.Series", column: Column) -> str:
    """What is wrong with a column's values; empty if nothing is."""
    from pandas.api.types import is_integer_dtype

    if column.kind is int:
        return "" if is_integer_dtype(values) and values.notna().all() else "not whole numbers throughout"
    if column.kind is float:
        return _float_problem(values, column)
    texts = values.unique()
    wrong = [text for text in texts if not (isinstance(text, str) and re.fullmatch(r"[^\r\n]+", text))]
    if wrong:
        return f"{str(wrong[0])!r} is not a line of text"
    if isinstance(column.kind, tuple) and (unlisted := [text for text in texts if text not in column.kind]):
        return f"{unlisted[0]!r} is not one of {', '.join(column.kind)}"
    return ""


def _float_problem(values: "pd.Series", column: Column) -> str:
    import numpy as np
    from pandas.api.types import is_float_dtype, is_integer_dtype

    if not (is_float_dtype(values) or is_integer_dtype(values)):
        return "not numbers throughout"
    numbers = values.to_numpy("float64", na_value=np.nan)
    measured = column.role == "measured"
    if not (measured or column.may_be_nan) and np.isnan(numbers).any():
        return "nan is not allowed"
    if not measured and np.isinf(numbers).any():
        return "an infinite value is not allowed"
    return ""
