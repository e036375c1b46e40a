r"""Numbers into the report's prose: a template with placeholders and the values of a run become Markdown.

Placeholders are Jinja2's in delimiters that clash with neither TeX nor Pandoc (`{#fig-1}`, `\frac{{a}}{b}`):
`<< value | number >>`, `<% for claim in claims %>`, `<# a note to authors #>`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral
from pathlib import Path
from traceback import walk_tb
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
SPACE = "\N{NO-BREAK SPACE}"

VERDICTS = ("reproduced", "not reproduced", "inconclusive")


def fill(template: str, values: Mapping[str, Any], folder: Path | None = None) -> str:
    """Markdown of `template` with every placeholder replaced from `values`.

    Files that it includes lie in `folder`.

    The filters are this module's `number`, `percent`, `interval`, `seconds`, `mebibytes`, `verdict` and
    `markdown_table`.

    Raises:
        ValueError: a placeholder is unknown, wrongly written or cannot be formatted; names it, its line and
            its file, if it is an included one.
    """
    try:
        return environment(folder).from_string(template).render(values)
    except Exception as error:
        file, line = _place(error)
        text = file.read_text(encoding="utf-8") if file else template
        placeholders = " ".join(re.findall("<[<%].*?[>%]>", text.splitlines()[line - 1]))
        raise ValueError(
            f"{file.name if file else 'template'} line {line}: {error}: {placeholders}"
        ) from error


def environment(folder: Path | None = None) -> jinja2.Environment:
    """Jinja's, with the delimiters and filters of the report, and templates in `folder` by name."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder) if folder else None,
        undefined=jinja2.StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        extensions=["jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    filters = (number, percent, interval, seconds, mebibytes, verdict, markdown_table)
    made.filters |= {function.__name__: function for function in filters}
    return made


def _place(error: Exception) -> tuple[Path | None, int]:
    """The included file, if it was in one, and the line at which `error` was raised.

    Jinja2 names the frames of an included file by its path, those of the template itself `<template>`.
    """
    if isinstance(error, jinja2.TemplateSyntaxError):
        return Path(error.filename) if error.filename else None, error.lineno
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    of_templates = [(name, line) for name, line in frames if name == "<template>" or name.endswith(".md")]
    name, line = of_templates[-1] if of_templates else ("<template>", 1)
    return None if name == "<template>" else Path(name), line


def number(value: float, digits: int = 3) -> str:
    """`value` to `digits` significant digits; whole numbers (of an integer type) in full.

    Thousands are set apart by commas; below 0.001 and from a million on, powers of ten are split off, as
    Pandoc's superscripts. Not a number is "undefined", an infinity "∞ (diverged)".
    """
    if isinstance(value, Integral):
        return f"{int(value):,}".replace("-", MINUS)
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return f"{MINUS if value < 0 else ''}∞{SPACE}(diverged)"
    rounded = Decimal(f"{value:.{digits - 1}e}")
    if rounded == 0:
        return "0"
    power = rounded.adjusted()
    if -3 <= power < 6:
        return f"{rounded:,f}".replace("-", MINUS)
    return f"{rounded.scaleb(-power):f}{SPACE}{TIMES}{SPACE}10^{power}^".replace("-", MINUS)


def percent(value: float, digits: int = 3) -> str:
    """A share as a percentage: 0.123 is "12.3 %"."""
    text = number(100 * float(value), digits)
    return f"{text}{SPACE}%" if math.isfinite(value) else text


def interval(estimate: float, low: float, high: float) -> str:
    """An estimate and its interval to two digits of the interval's width: "0.123 [0.081, 0.173]"."""
    if math.isnan(estimate):
        return number(estimate)
    values = (estimate, low, high)
    width = high - low
    places = 1 - math.floor(math.log10(width)) if 0 < width < math.inf else 5
    texts = [f"{x:z,.{max(places, 0)}f}" if places < 5 else number(x) for x in values]
    texts = [text.removesuffix(f"{SPACE}(diverged)") for text in texts]
    between = " " if any(TIMES in text for text in texts) else SPACE  # powers of ten would make a long word
    return f"{texts[0]}{between}[{texts[1]},{between}{texts[2]}]".replace("-", MINUS)


def seconds(value: float) -> str:
    """A duration given in seconds: "3.21 s", "2 min 10 s", "1 h 5 min"."""
    if not math.isfinite(value):
        return number(value)
    if value < 59.95:  # what number() still writes as at most 59.9
        return f"{number(float(value))}{SPACE}s"
    if value < 3599.5:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    hours, rest = divmod(round(value / 60), 60)
    return f"{hours:,}{SPACE}h {rest}{SPACE}min"


def mebibytes(value: float) -> str:
    """An amount of memory given in mebibytes: "512 MiB", "1.50 GiB"."""
    if not math.isfinite(value):
        return number(value)
    amount, unit = (value, "MiB") if value < 1024 else (value / 1024, "GiB")
    return f"{number(float(amount))}{SPACE}{unit}"


def verdict(value: str) -> str:
    """A verdict with its mark and colour in every format: `[not reproduced]{.not-reproduced}`, unbroken.

    Raises:
        ValueError: not one of `VERDICTS`.
    """
    if value not in VERDICTS:
        raise ValueError(f"verdict {value!r} is none of {', '.join(VERDICTS)}")
    return f"[{value.replace(' ', SPACE)}]{{.{value.replace(' ', '-')}}}"


def listed(words: Sequence[str]) -> str:
    """Words in a row.

    >>> listed(["plain"]), listed(["plain", "linear"]), listed(["plain", "linear", "residual"])
    ('plain', 'plain and linear', 'plain, linear and residual')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def markdown_table(frame: pd.DataFrame, columns: Mapping[str, str]) -> str:
    """A Pandoc pipe table of `frame`: the columns named by the keys, headed by the values of `columns`.

    Text cells are Markdown; numbers are written by `number` and aligned right; a missing cell is "undefined".
    A line may be broken between an estimate and its interval.

    Raises:
        ValueError: a column is not in `frame`.
    """
    if unknown := [name for name in columns if name not in frame]:
        raise ValueError(f"column {unknown[0]!r} is not in the table, which has {', '.join(frame.columns)}")
    cells = [[_cell(value) for value in [head, *frame[name]]] for name, head in columns.items()]
    kinds = [frame[name].dtype for name in columns]
    rules = ["--:" if is_numeric_dtype(kind) and not is_bool_dtype(kind) else ":--" for kind in kinds]
    head, *rows = zip(*cells, strict=True)
    lines = [head, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _escape_pipes(re.sub(r"\s*\n\s*", " ", value.strip())).replace(f"{SPACE}[", " [")
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return "undefined" if pd.isna(value) else number(value)


def _escape_pipes(text: str) -> str:
    """`text` with its pipes escaped, save in maths and code, which Pandoc reads as wholes."""
    wholes = r"\$(?!\s)[^$]*(?<!\s)\$(?!\d)|`[^`]*`|\\\|"
    return re.sub(rf"({wholes})|\|", lambda match: match[1] or r"\|", text)
