"""A result as JSON: nothing is lost, no NaN is written, nothing is half-written."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from probing.cases import RESULTS, healthy

from movingtarget.probing.as_json import VERSION, read_json, write_json
from movingtarget.statistics.bootstrap import Interval


@pytest.mark.parametrize("name", RESULTS)
def test_what_was_written_is_read(name, tmp_path):
    result = RESULTS[name]
    assert read_json(write_json(result, tmp_path / "probe.json")) == result


def test_numbers_of_numpy_are_written_in_full(tmp_path):
    exact = Interval(*(float(np.float64(1) / divisor) for divisor in (3, 7, 11)))
    single = Interval(*(np.float32(end) for end in exact))  # type: ignore[arg-type]
    for given in (exact, single):
        read = read_json(write_json(replace(healthy(), whole={"kept": given}), tmp_path / "probe.json"))
        assert read.whole["kept"] == given


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def test_it_is_json_as_others_read_it(tmp_path):
    undefined = Interval(float("nan"), -math.inf, math.inf)
    path = write_json(replace(healthy(), whole={"kept": undefined}), tmp_path / "probe.json")
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["version"] == VERSION
    assert content["whole"]["kept"] == {"estimate": None, "low": "-inf", "high": "inf"}
    read = read_json(path).whole["kept"]
    assert math.isnan(read.estimate)
    assert read[1:] == undefined[1:]


def test_keys_are_those_that_were_promised(tmp_path):
    """Whoever changes these changes VERSION."""
    content = json.loads(write_json(healthy(), tmp_path / "probe.json").read_text(encoding="utf-8"))
    assert VERSION == 1
    assert set(content) == {
        *("version", "network", "parameters", "layers", "blocks", "whole", "usual", "likeness", "trials"),
        *("findings", "optimiser", "learning_rate", "batches", "examples", "passes", "notes"),
    }
    assert set(content["layers"][0]) == {"name", "kind", "parameters", "measured", "usual", "layers"}
    assert set(content["trials"][0]) == {"name", "steps", "drop", "gain", "note"}
    assert content["layers"][0]["usual"]["dead_share"] == [0.0, 0.1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a probe's result"),
        ("[]", "not a probe's result"),
        ('{"version": 99}', "version is 99; allowed: 1"),
        ('{"version": 1, "network": "Net"}', "key 'parameters' is missing"),
    ],
)
def test_what_is_no_result_is_refused_in_a_line(text, said, tmp_path):
    path = tmp_path / "probe.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said) as error:
        read_json(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_is_half_written(tmp_path, monkeypatch):
    path = write_json(healthy(), tmp_path / "probe.json")
    before = path.read_bytes()

    def full(part, text, **options):
        part.write_bytes(text.encode()[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_json(RESULTS["deep"], path)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]
