"""Tables are checked when written, and read back as they were."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingtarget.tables import TABLES, read_table, write_table


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


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_back(name, tmp_path):
    example = {int: 3, float: 0.1, str: "some text, with a comma"}
    row = {
        name: kind[-1] if isinstance(kind, tuple) else example[kind] for name, kind in TABLES[name].items()
    }
    write_table(pd.DataFrame([row]), name, tmp_path / "table.csv")
    assert read_table(tmp_path / "table.csv", name).iloc[0].to_dict() == row


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(), min_size=1, max_size=5),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1),
)
def test_any_float_and_any_text_come_back(tmp_path_factory, values, network):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    table = training(seed=range(len(values)), value=values, network=network)
    write_table(table, "training", path)
    back = read_table(path, "training")
    assert [*map(repr, back["value"].tolist())] == [*map(repr, values)]
    assert set(back["network"]) == {network}


def test_the_file_is_plain_csv_in_the_order_of_the_rows(tmp_path):
    table = training(seed=[1, 0], value=[np.nan, -np.inf], flops=np.array([1, 2]))
    write_table(table.iloc[::-1], "training", tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == (
        b"network,depth,update_rule,learning_rate,seed,step,gradient_evaluations,flops,quantity,value\n"
        b"plain,10,simultaneous,0.1,0,100,100.0,2.0,train_loss,-inf\n"
        b"plain,10,simultaneous,0.1,1,100,100.0,1.0,train_loss,nan\n"
    )


def test_categorical_and_single_precision_columns_are_taken(tmp_path):
    value = np.array([0.1, 0.2], dtype="float32")
    write_table(training(network=pd.Categorical(["a", "b"]), value=value), "training", tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv", "training")
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
        ({"sed": 0}, "columns are network, .*, sed; training has network, .*, value"),
    ],
)
def test_a_bad_table_is_refused_and_nothing_is_written(columns, message, tmp_path):
    with pytest.raises(ValueError, match=f"^.*/table.csv: {message}.*$"):
        write_table(training(**columns), "training", tmp_path / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_columns_in_any_order_are_written_in_the_schemas(tmp_path):
    write_table(training(), "training", tmp_path / "table.csv")
    write_table(training()[list(TABLES["training"])[::-1]], "training", tmp_path / "backwards.csv")
    assert (tmp_path / "backwards.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="training has no rows"):
        write_table(training().iloc[:0], "training", tmp_path / "table.csv")


def test_an_unknown_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="table 'trainings' is unknown; known are training, "):
        write_table(training(), "trainings", tmp_path / "table.csv")


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    path = tmp_path / "table.csv"
    write_table(training(), "training", path)
    old = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_table(training(network=["plain", "\udc80"]), "training", path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_of_the_old_table_is_not_disturbed(tmp_path):
    path = tmp_path / "table.csv"
    write_table(training(), "training", path)
    old = path.read_bytes()
    with path.open("rb") as reader:
        write_table(training(value=[1.0, 2.0]), "training", path)
        assert reader.read() == old
    assert path.read_bytes() != old


HEADER = ",".join(TABLES["noise_autocorrelation"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No columns to parse from file"),
        (f"{HEADER}\n", "noise_autocorrelation has no rows"),
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
            "columns are noise, seed, value; noise_autocorrelation has noise, seed, lag",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line(text, message, tmp_path):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError, match=f"^.*/table.csv: {message}.*$"):
        read_table(tmp_path / "table.csv", "noise_autocorrelation")
