"""How lines look in figures."""

from typing import Any

Look = dict[str, Any]
"""Matplotlib's colour, marker and line style."""

DARK = "#303030"
GREY = "#8a8a8a"
