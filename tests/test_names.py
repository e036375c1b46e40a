"""What is said of a name that is not known."""

import doctest

import pytest

from movingtarget import names
from movingtarget.names import meant, unknown


def test_examples():
    results = doctest.testmod(names)
    assert results.attempted > 0
    assert results.failed == 0


def test_an_unknown_name_is_told_with_the_nearest_and_all_that_are_known():
    known = iter(["plain", "residual", "batch-norm"])
    assert unknown("network", "batchnorm", known) == (
        "network 'batchnorm' is unknown (did you mean batch-norm?); allowed: plain, residual, batch-norm"
    )


def test_a_name_unlike_any_other_has_no_suggestion():
    assert unknown("table", "xyz", ["training"]) == "table 'xyz' is unknown; allowed: training"


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("networks", ["network", "depth"], " (did you mean network?)"),
        ("step", ["steps", "stop"], " (did you mean steps?)"),
        ("far", ["network", "depth"], ""),
        ("plain", [], ""),
        (None, ["network"], ""),
        (1000, ["100", "7"], " (did you mean 100?)"),
        ("3", [2, 64], ""),
        ("1280", [64, 128], " (did you mean 128?)"),
        ("SGD", ["sgd", "adam"], " (did you mean sgd?)"),
        ("sgd", ["SGD", "adam"], " (did you mean SGD?)"),
        ([1, 2], ["training"], ""),
    ],
)
def test_the_nearest_name_is_asked_for_whatever_was_given(name, known, expected):
    assert meant(name, known) == expected
    assert meant(name, iter(known)) == expected
