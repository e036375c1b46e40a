import struct

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movingtarget.data import idx

bytes_arrays = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
EXAMPLE = bytes.fromhex("00000802 00000002 00000003 010203 040506")


def test_example_of_the_format() -> None:
    array = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    assert idx.encode(array) == EXAMPLE
    np.testing.assert_array_equal(idx.decode(EXAMPLE), array)


@given(bytes_arrays)
def test_round_trip(array: NDArray[np.uint8]) -> None:
    decoded = idx.decode(idx.encode(array))
    assert decoded.shape == array.shape
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, array)


def test_memory_order_does_not_matter() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert idx.encode(np.asfortranarray(array)) == idx.encode(array)


@given(bytes_arrays, st.data())
def test_truncated_is_refused(array: NDArray[np.uint8], data: st.DataObject) -> None:
    content = idx.encode(array)
    kept = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ValueError, match="IDX"):
        idx.decode(content[:kept])


@given(bytes_arrays, st.binary(min_size=1, max_size=9))
def test_bytes_after_the_end_are_refused(array: NDArray[np.uint8], rest: bytes) -> None:
    with pytest.raises(ValueError, match="must have"):
        idx.decode(idx.encode(array) + rest)


@given(st.integers(0, 11), st.integers(1, 255))
def test_altered_header_is_refused(position: int, change: int) -> None:
    content = bytearray(EXAMPLE)
    content[position] ^= change
    with pytest.raises(ValueError, match="IDX"):
        idx.decode(bytes(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it starts with 0x,"),
        (b"<html>", "it starts with 0x3c68746d"),
        (bytes.fromhex("00000d01 00000001 3f800000"), "0x0d is not supported, only 0x08"),
        (bytes.fromhex("00000800 07"), "0 dimensions"),
        (bytes.fromhex("00000803 00000001"), "3 dimensions in 8 bytes"),
        (EXAMPLE[:-1], r"\(2, 3\) must have 18 bytes, not 17"),
    ],
)
def test_message_says_what_is_wrong(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        idx.decode(content)


def test_huge_announced_size_is_refused_without_memory() -> None:
    with pytest.raises(ValueError, match="must have"):
        idx.decode(struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3))


@pytest.mark.parametrize("array", [np.zeros(3, np.int64), np.zeros((), np.uint8)])
def test_other_arrays_are_not_encoded(array: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="IDX wants uint8 in one dimension or more"):
        idx.encode(array)
