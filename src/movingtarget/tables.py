"""The schema of every results table, written down once and checked whenever a table is written or read."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_integer_dtype

Kind = type | tuple[str, ...]
"""What a column holds: `str`, `int` or `float`, or text from a closed list."""

TRAINING: dict[str, Kind] = {
    "network": str,
    "depth": int,
    "update_rule": str,
    "learning_rate": float,
    "seed": int,
    "step": int,
    "gradient_evaluations": float,
    "flops": float,
    "quantity": (
        "batch_loss",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "diverged",
    ),
    "value": float,
}
"""Columns of every table of training curves."""

RANDOM_NETWORK: dict[str, Kind] = {
    "network": ("feedforward", "residual"),
    "normalisation": ("none", "centred", "batch-norm"),
    "depth": int,
    "beta": float,
}
"""Columns that describe a random network; beta is NaN without a branch."""

ORDER: dict[str, Kind] = {
    "network": str,
    "order": (
        "simultaneous",
        "stale",
        "forward",
        "backward",
        "random",
        "fresh",
        "round-robin",
        "locoprop-m",
        "locoprop-s",
        "smaller-early",
        "smaller-late",
        "lars",
        "freeze",
        "greedy",
    ),
}
"""Columns that describe an arm of the study of update orders."""

TABLES: dict[str, dict[str, Kind]] = {
    "training": TRAINING,
    "depth_ladder": TRAINING,
    "gradient_autocorrelation": {
        **RANDOM_NETWORK,
        "seed": int,
        "lag": int,
        "value": float,
    },
    "noise_autocorrelation": {
        "noise": ("white", "brown"),
        "seed": int,
        "lag": int,
        "value": float,
    },
    "gradients_on_a_line": {
        **RANDOM_NETWORK,
        "seed": int,
        "input": float,
        "value": float,
    },
    "noise_on_a_line": {
        "noise": ("white", "brown"),
        "seed": int,
        "input": float,
        "value": float,
    },
    "residual_variants": {
        "variant": ("stream read out", "rectifier before the output", "blocks of two layers"),
        "depth": int,
        "beta": float,
        "seed": int,
        "lag": int,
        "value": float,
    },
    "activation_shares": {
        "network": ("feedforward", "residual"),
        "normalisation": ("none", "centred", "batch-norm"),
        "beta": float,
        "layer": int,
        "seed": int,
        "quantity": ("active", "co-active"),
        "value": float,
    },
    "activation_patterns": {
        **RANDOM_NETWORK,
        "seed": int,
        "unit": int,
        "pattern": str,
    },
    "contiguity": {
        **RANDOM_NETWORK,
        "seed": int,
        "quantity": ("share", "breadth"),
        "bin": int,
        "value": float,
    },
    "effective_rank": {
        "network": ("plain", "residual"),
        "normalisation": ("none", "batch-norm"),
        "depth": int,
        "seed": int,
        "quantity": ("effective_rank", "relative_effective_rank", "gradient_norm"),
        "value": float,
    },
    "gradient_correlation": {
        "network": ("feedforward", "residual", "highway"),
        "normalisation": ("none", "centred", "batch-norm"),
        "gates": ("random", "rectifier"),
        "depth": int,
        "beta": float,
        "seed": int,
        "variance": float,
        "covariance": float,
        "correlation": float,
        "gradient_norm": float,
    },
    "looks_linear": {
        "network": str,
        "depth": int,
        "seed": int,
        "quantity": ("correlation", "gradient_norm", "jacobian_deviation"),
        "value": float,
    },
    "path_autocorrelation": {
        "path": ("straight line", "rotation", "shift"),
        "statistics": ("path", "images"),
        **RANDOM_NETWORK,
        "seed": int,
        "lag": int,
        "value": float,
    },
    "image_gradients": {
        "network": str,
        "depth": int,
        "update_rule": str,
        "seed": int,
        "stage": ("initialisation", "trained"),
        "layer": int,
        "quantity": ("correlation", "gradient_norm"),
        "value": float,
    },
    "shattering_in_training": {
        "network": str,
        "depth": int,
        "update_rule": str,
        "seed": int,
        "step": int,
        "quantity": ("correlation", "line_autocorrelation", "gradient_norm"),
        "value": float,
    },
    "learning_speed": {
        "network": str,
        "depth": int,
        "seed": int,
        "learning_rate": float,
        "correlation": float,
        "gradient_norm": float,
        "steps": float,
    },
    "one_step": {
        "network": str,
        "depth": int,
        "optimiser": ("sgd", "adam"),
        "learning_rate": float,
        "seed": int,
        "step": int,
        "layer": int,
        "quantity": ("loss", "gradient_norm", "movement"),
        "value": float,
    },
    "linear_chain": {
        "layers": int,
        "weight": float,
        "rule": ("fixed", "normalised"),
        "size": float,
        "seed": int,
        "quantity": ("kept", "predicted"),
        "value": float,
    },
    "chain_stability": {
        "layers": int,
        "order": ("simultaneous", "forward"),
        "seed": int,
        "value": float,
    },
    "moving_target": {
        "network": str,
        "depth": int,
        "learning_rate": float,
        "step": int,
        "seed": int,
        "layer": int,
        "quantity": (
            "loss",
            "joint_drop",
            "single_drops",
            "first_order",
            "joint_share",
            "single_share",
            "interaction",
            "sweep_drop",
            "gradient_norm",
            "movement",
            "single_drop",
            "shift",
            "shift_cosine",
            "fresh_shift",
            "fresh_shift_cosine",
            "input_drift",
            "curvature",
            "curvature_ratio",
            "largest_rate",
            "largest_sweep_rate",
            "bought",
        ),
        "value": float,
    },
    "update_orders": {
        **ORDER,
        "learning_rate": float,
        "seed": int,
        "step": int,
        "gradient_evaluations": float,
        "flops": float,
        "train_loss": float,
        "test_accuracy": float,
    },
    "update_order_times": {
        **ORDER,
        "seed": int,
        "seconds": float,
    },
    "update_order_budgets": {
        **ORDER,
        "budget": ("sweep", "gradient", "flop", "second"),
        "learning_rate": float,
        "seed": int,
        "step": int,
        "train_loss": float,
        "test_accuracy": float,
    },
    "stable_rates": {
        **ORDER,
        "seed": int,
        "value": float,
    },
    "mutual_information": {
        "network": str,
        "depth": int,
        "update_rule": str,
        "seed": int,
        "step": int,
        "scaling": ("root-mean-square", "deviation"),
        "layer": int,
        "quantity": ("information", "permuted"),
        "value": float,
    },
    "claims": {
        "claim": str,
        "paper": str,
        "place": str,
        "statement": str,
        "estimate": float,
        "low": float,
        "high": float,
        "seeds": int,
        "paper_value": float,
        "treatment_confound": float,
        "control_confound": float,
        "verdict": ("reproduced", "not reproduced", "inconclusive"),
    },
}
"""Ordered columns of each table and what they hold."""

MEASURED = {
    *("value", "variance", "covariance", "correlation", "gradient_norm", "steps"),
    *("train_loss", "test_accuracy", "seconds"),
}
"""Columns that hold what was measured."""

CONFOUNDS = {"treatment_confound", "control_confound"}
MAY_BE_NAN = MEASURED | CONFOUNDS | {"beta", "estimate", "low", "high", "paper_value"}
MAY_BE_INFINITE = MEASURED | CONFOUNDS | {"estimate", "low", "high"}

DEPENDENT = {
    *MEASURED,
    *CONFOUNDS,
    *("gradient_evaluations", "flops", "pattern"),
    *("paper", "place", "statement", "estimate", "low", "high", "seeds", "paper_value", "verdict"),
}
"""Columns that follow from the others, and so never tell two rows apart."""


def write_table(frame: pd.DataFrame, name: str, path: Path | str) -> None:
    """Check a table against its schema and write it as CSV, columns as in the schema, rows as they come.

    Floats are written so that they round-trip, NaN as `nan`. The file appears whole or not at all.

    Args:
        frame: the rows; the index is left out.
        name: the table's name, a key of `TABLES`.
        path: the file to write.

    Raises:
        ValueError: one line naming the file, the column and what is wrong with it.
    """
    path = Path(path)
    ordered = [column for column in _schema(name) if column in frame]
    table = _checked(frame[[*ordered, *frame.columns.difference(ordered, sort=False)]], name, path)
    part = path.with_name(path.name + ".part")
    try:
        table.to_csv(part, index=False, na_rep="nan", lineterminator="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_table(path: Path | str, name: str) -> pd.DataFrame:
    """Read a table that `write_table` wrote, with the types and values it was written with.

    Args:
        path: the file to read.
        name: the table's name, a key of `TABLES`.

    Raises:
        ValueError: one line naming the file, the column and what is wrong with it.
    """
    path = Path(path)
    schema = _schema(name)
    try:
        with warnings.catch_warnings(action="error"):
            texts = pd.read_csv(path, dtype=str, na_filter=False, index_col=False)
        frame = texts.astype({column: _dtype(schema[column]) for column in texts if column in schema})
    except (ValueError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return _checked(frame, name, path)


def _schema(name: str) -> dict[str, Kind]:
    if name not in TABLES:
        raise ValueError(f"table {name!r} is unknown; known are {', '.join(TABLES)}")
    return TABLES[name]


def _dtype(kind: Kind) -> str:
    return "int64" if kind is int else "float64" if kind is float else "str"


def _checked(frame: pd.DataFrame, name: str, path: Path) -> pd.DataFrame:
    """The frame with its columns in the schema's types, once nothing is wrong with it."""
    schema = _schema(name)
    if list(frame.columns) != list(schema):
        raise ValueError(f"{path}: columns are {', '.join(map(str, frame))}; {name} has {', '.join(schema)}")
    if frame.empty:
        raise ValueError(f"{path}: {name} has no rows")
    for column, kind in schema.items():
        if problem := _problem(frame[column], kind):
            raise ValueError(f"{path}: column {column}: {problem}")
    key = [column for column in schema if column not in DEPENDENT]
    repeats = frame.loc[frame.duplicated(key), key]
    if not repeats.empty:
        row = ", ".join(f"{column} {value}" for column, value in repeats.iloc[0].items())
        raise ValueError(f"{path}: two rows have {row}")
    return frame.astype({column: _dtype(kind) for column, kind in schema.items()}).reset_index(drop=True)


def _problem(column: pd.Series, kind: Kind) -> str:
    """What is wrong with a column; empty if nothing is."""
    if kind is int:
        return "" if is_integer_dtype(column) and column.notna().all() else "not whole numbers throughout"
    if kind is float:
        return _float_problem(column)
    texts = column.unique()
    wrong = [text for text in texts if not (isinstance(text, str) and re.fullmatch(r"[^\r\n]+", text))]
    if wrong:
        return f"{str(wrong[0])!r} is not a line of text"
    if isinstance(kind, tuple) and (unlisted := [text for text in texts if text not in kind]):
        return f"{unlisted[0]!r} is not one of {', '.join(kind)}"
    return ""


def _float_problem(column: pd.Series) -> str:
    if not (is_float_dtype(column) or is_integer_dtype(column)):
        return "not numbers throughout"
    numbers = column.to_numpy("float64", na_value=np.nan)
    if column.name not in MAY_BE_NAN and np.isnan(numbers).any():
        return "nan is not allowed"
    if column.name not in MAY_BE_INFINITE and np.isinf(numbers).any():
        return "an infinite value is not allowed"
    return ""
