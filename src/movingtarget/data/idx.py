"""The IDX format, in which MNIST and its kin are published.

A header of two zero bytes, one byte for the element type, one for the number of dimensions and a big-endian
32-bit length for each dimension; then the elements, the last dimension running fastest.

Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits, "File formats".
"""

import math
import struct

import numpy as np
from numpy.typing import NDArray

UNSIGNED_BYTE = 0x08


def decode(content: bytes) -> NDArray[np.uint8]:
    """Array held by an uncompressed IDX file of unsigned bytes.

    Args:
        content: the whole file.

    Returns:
        A read-only view of `content`, shaped as its header says.

    Raises:
        ValueError: the header is not one of IDX, the element type is not unsigned byte (0x08), or the length
            is not the one that the header announces.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"not an IDX file: it starts with 0x{content[:4].hex()}, not with 0x0000")
    element_type, dimensions = content[2], content[3]
    if element_type != UNSIGNED_BYTE:
        raise ValueError(
            f"IDX element type 0x{element_type:02x} is not supported, only 0x08 (unsigned byte) is"
        )
    header = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header:
        raise ValueError(f"IDX header is incomplete: {dimensions} dimensions in {len(content)} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) != header + math.prod(shape):
        raise ValueError(
            f"IDX file of shape {shape} must have {header + math.prod(shape)} bytes, not {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def encode(array: NDArray[np.uint8]) -> bytes:
    """Uncompressed IDX file that holds an array: the inverse of `decode`.

    Args:
        array: unsigned bytes, of one dimension or more.

    Raises:
        ValueError: the array has other elements or no dimension.
    """
    if array.dtype != np.uint8 or array.ndim == 0:
        raise ValueError(f"IDX wants uint8 in one dimension or more, not {array.dtype} in {array.ndim}")
    header = struct.pack(f">HBB{array.ndim}I", 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + array.tobytes()
