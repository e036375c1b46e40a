"""Tables are checked when written, and read back as they were."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingtarget.claims.judge import VERDICTS
from movingtarget.declarations import schemas
from movingtarget.tables import (
    MEASURED,
    OPTIONAL,
    Column,
    Schema,
    columns,
    follows,
    join_parts,
    of_role,
    read_table,
    write_table,
)

SCHEMA: Schema = {
    "network": str,
    "depth": int,
    "update_rule": str,
    "learning_rate": float,
    "seed": int,
    "step": int,
    "gradient_evaluations": follows(float),
    "flops": follows(float),
    "quantity": ("batch_loss", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "diverged"),
    "value": MEASURED,
}

NOISE: Schema = {"noise": ("white", "brown"), "seed": int, "lag": int, "value": MEASURED}

ALL = {**schemas(), "claims": VERDICTS}


def training(**columns: object) -> pd.DataFrame:
    """Two rows of a training table, with columns replaced."""
    rows = {
        "network": "plain",
        "depth": 10,
        "update_rule": "simultaneous",
        "learning_rate": 0.1,
        "seed": [0, 1],
        "step": 100,
        "gradient_evaluations": 100.0,
        "flops": 1e9,
        "quantity": "train_loss",
        "value": [0.5, 0.25],
    }
    return pd.DataFrame({**rows, **columns})


@pytest.mark.parametrize("name", ALL)
def test_every_table_comes_back(name, tmp_path):
    example = {int: 3, float: 0.1, str: "some text, with a comma"}
    kinds = {name: column.kind for name, column in columns(ALL[name]).items()}
    row = {name: kind[-1] if isinstance(kind, tuple) else example[kind] for name, kind in kinds.items()}
    write_table(pd.DataFrame([row]), ALL[name], tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv", ALL[name]).iloc[0].to_dict() == row


def test_a_mere_kind_is_that_of_a_key():
    assert columns({"seed": int, "beta": OPTIONAL, "flops": follows(float, True)}) == {
        "seed": Column(int, "key", may_be_nan=False),
        "beta": Column(float, "key", may_be_nan=True),
        "flops": Column(float, "follows", may_be_nan=True),
    }
    assert columns({"value": MEASURED, "flops": follows(int)}) == {
        "value": Column(float, "measured"),
        "flops": Column(int, "follows", may_be_nan=False),
    }


def test_columns_of_some_roles_are_found_in_the_schemas_order():
    assert of_role(SCHEMA, "measured") == {"value": float}
    assert of_role(SCHEMA, "follows") == {"gradient_evaluations": float, "flops": float}
    assert [*of_role(SCHEMA, "measured", "key")] == [
        name for name in SCHEMA if name not in ("gradient_evaluations", "flops")
    ]
    assert of_role(SCHEMA, "key")["quantity"] == SCHEMA["quantity"]
    assert of_role(SCHEMA) == {}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(), min_size=1, max_size=5),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1),
)
def test_any_float_and_any_text_come_back(tmp_path_factory, values, network):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    table = training(seed=range(len(values)), value=values, network=network)
    write_table(table, SCHEMA, path)
    back = read_table(path, SCHEMA)
    assert [*map(repr, back["value"].tolist())] == [*map(repr, values)]
    assert set(back["network"]) == {network}


def test_the_file_is_plain_csv_in_the_order_of_the_rows(tmp_path):
    table = training(seed=[1, 0], value=[np.nan, -np.inf], flops=np.array([1, 2]))
    write_table(table.iloc[::-1], SCHEMA, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == (
        b"network,depth,update_rule,learning_rate,seed,step,gradient_evaluations,flops,quantity,value\n"
        b"plain,10,simultaneous,0.1,0,100,100.0,2.0,train_loss,-inf\n"
        b"plain,10,simultaneous,0.1,1,100,100.0,1.0,train_loss,nan\n"
    )


def test_categorical_and_single_precision_columns_are_taken(tmp_path):
    value = np.array([0.1, 0.2], dtype="float32")
    write_table(training(network=pd.Categorical(["a", "b"]), value=value), SCHEMA, tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv", SCHEMA)
    assert list(back["network"]) == ["a", "b"]
    np.testing.assert_array_equal(back["value"], value.astype("float64"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"depth": 10.0}, "column depth: not whole numbers throughout"),
        ({"depth": True}, "column depth: not whole numbers throughout"),
        ({"depth": pd.array([1, None], dtype="Int64")}, "column depth: not whole numbers throughout"),
        ({"value": ["0.1", "0.2"]}, "column value: not numbers throughout"),
        ({"value": [True, False]}, "column value: not numbers throughout"),
        ({"learning_rate": np.nan}, "column learning_rate: nan is not allowed"),
        ({"flops": np.inf}, "column flops: an infinite value is not allowed"),
        ({"network": ["plain", None]}, "column network: 'nan' is not a line of text"),
        ({"network": ""}, "column network: '' is not a line of text"),
        ({"network": "two\nlines"}, r"column network: 'two\\nlines' is not a line of text"),
        ({"network": [1, 2]}, "column network: '1' is not a line of text"),
        ({"quantity": "loss"}, "column quantity: 'loss' is not one of batch_loss, train_loss, .*, diverged"),
        (
            {"seed": 0},
            "two rows have network plain, .* quantity train_loss",
        ),
        ({"seed": 0, "flops": [1.0, 2.0]}, "two rows have network plain"),
        ({"sed": 0}, "columns are network, .*, sed; allowed: network, .*, value"),
    ],
)
def test_a_bad_table_is_refused_and_nothing_is_written(columns, message, tmp_path):
    with pytest.raises(ValueError, match=f"^.*/table.csv: {message}.*$"):
        write_table(training(**columns), SCHEMA, tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_columns_in_any_order_are_written_in_the_schemas(tmp_path):
    write_table(training(), SCHEMA, tmp_path / "table.csv")
    write_table(training()[list(SCHEMA)[::-1]], SCHEMA, tmp_path / "backwards.csv")
    assert (tmp_path / "backwards.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()


@pytest.mark.parametrize("lacking", ["network", "value"])
def test_a_table_that_lacks_a_column_is_refused_and_nothing_is_written(lacking, tmp_path):
    given = ", ".join(name for name in SCHEMA if name != lacking)
    message = f"^.*/table.csv: columns are {given}; allowed: {', '.join(SCHEMA)}$"
    with pytest.raises(ValueError, match=message):
        write_table(training().drop(columns=lacking), SCHEMA, tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("empty", [training().iloc[:0], pd.DataFrame(columns=[*SCHEMA])])
def test_a_table_without_rows_comes_back_with_its_types(empty, tmp_path):
    write_table(empty, SCHEMA, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == ",".join(SCHEMA) + "\n"
    back = read_table(tmp_path / "table.csv", SCHEMA)
    write_table(training(), SCHEMA, tmp_path / "whole.csv")
    pd.testing.assert_frame_equal(back, read_table(tmp_path / "whole.csv", SCHEMA).iloc[:0])


OPTIONALS: Schema = {
    "seed": int,
    "beta": OPTIONAL,
    "size": float,
    "cost": follows(float),
    "said": follows(float, True),
}


def test_a_column_may_be_nan_only_if_its_schema_says_so(tmp_path):
    row = {"seed": [0], "beta": np.nan, "size": 1.0, "cost": 2.0, "said": np.nan}
    write_table(pd.DataFrame(row), OPTIONALS, tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv", OPTIONALS)
    assert back.isna().iloc[0].to_dict() == {name: name in ("beta", "said") for name in OPTIONALS}
    for name in ("size", "cost"):
        with pytest.raises(ValueError, match=f"^.*/table.csv: column {name}: nan is not allowed$"):
            write_table(pd.DataFrame(row | {name: np.nan}), OPTIONALS, tmp_path / "table.csv")
    for name in ("beta", "size", "cost", "said"):
        with pytest.raises(ValueError, match=f"column {name}: an infinite value is not allowed$"):
            write_table(pd.DataFrame(row | {name: np.inf}), OPTIONALS, tmp_path / "table.csv")


def test_rows_that_differ_in_an_optional_key_alone_are_two(tmp_path):
    rows = pd.DataFrame({"seed": 0, "beta": [np.nan, 0.1], "size": 1.0, "cost": 2.0, "said": 3.0})
    write_table(rows, OPTIONALS, tmp_path / "table.csv")
    with pytest.raises(ValueError, match=r"^.*/table.csv: two rows have seed 0.*, beta nan, size 1.0$"):
        write_table(rows.assign(beta=np.nan, said=[3.0, 4.0]), OPTIONALS, tmp_path / "table.csv")


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    path = tmp_path / "table.csv"
    write_table(training(), SCHEMA, path)
    old = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_table(training(network=["plain", "\udc80"]), SCHEMA, path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_table_is_not_disturbed(tmp_path):
    path = tmp_path / "table.csv"
    write_table(training(), SCHEMA, path)
    old = path.read_bytes()
    with path.open("rb") as reader:
        write_table(training(value=[1.0, 2.0]), SCHEMA, path)
        assert reader.read() == old
    assert path.read_bytes() != old


HEADER = ",".join(NOISE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No columns to parse from file"),
        (f"{HEADER}\nwhite,0,1,0.5,7\n", "Length of header or names does not match length of data"),
        (f"{HEADER}\nwhite,0,1\n", "could not convert string to float.*'value'"),
        (f"{HEADER}\nwhite,0,1.0,0.5\n", r"invalid literal for int\(\) with base 10: '1.0'.*'lag'"),
        (f"{HEADER}\npink,0,1,0.5\n", "column noise: 'pink' is not one of white, brown"),
        (
            f"{HEADER}\nwhite,0,1,0.5\nwhite,0,1,0.6\n",
            "two rows have noise white, ",
        ),
        (
            "noise,seed,value\nwhite,0,0.5\n",
            "columns are noise, seed, value; allowed: noise, seed, lag, value",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line(text, message, tmp_path):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError, match=f"^.*/table.csv: {message}.*$"):
        read_table(tmp_path / "table.csv", NOISE)


@pytest.fixture
def parts(tmp_path):
    """Files of parts of a table, one without rows, and the whole as `write_table` writes it."""
    frames = [
        training(value=[1 / 3, np.nan]),
        training().iloc[:0],
        training(network='a,"b" ü', value=[-np.inf, 1e-300]),
        training(depth=3).iloc[:1],
    ]
    paths = [tmp_path / f"part {number}.csv" for number in range(len(frames))]
    for frame, path in zip(frames, paths, strict=True):
        write_table(frame, SCHEMA, path)
    write_table(pd.concat(frames), SCHEMA, tmp_path / "whole.csv")
    return paths, tmp_path / "whole.csv"


def test_joined_parts_are_the_table_as_it_would_have_been_written(parts, tmp_path):
    paths, whole = parts
    join_parts(paths, SCHEMA, tmp_path / "joined.csv")
    assert (tmp_path / "joined.csv").read_bytes() == whole.read_bytes()
    join_parts([str(path) for path in paths[:1]], SCHEMA, str(tmp_path / "joined.csv"))
    assert (tmp_path / "joined.csv").read_bytes() == paths[0].read_bytes()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", ""),
        ("seed,value\n0,1.0\n", "seed,value"),
        (",".join([*SCHEMA][::-1]) + "\n", ",".join([*SCHEMA][::-1])),
        (",".join(SCHEMA) + ",extra\n", ",".join(SCHEMA) + ",extra"),
    ],
)
def test_a_part_with_other_columns_is_refused_by_name_and_nothing_is_half_written(
    text, given, parts, tmp_path
):
    paths, whole = parts
    odd = tmp_path / "odd.csv"
    odd.write_text(text)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    message = f"^{odd}: columns are {given}; allowed: {','.join(SCHEMA)}$"
    for path in (tmp_path / "joined.csv", whole):
        with pytest.raises(ValueError, match=message):
            join_parts([*paths, odd], SCHEMA, path)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_part_that_is_not_there_leaves_the_old_table(parts, tmp_path):
    paths, whole = parts
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileNotFoundError, match=r"missing\.csv"):
        join_parts([*paths, tmp_path / "missing.csv"], SCHEMA, whole)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
