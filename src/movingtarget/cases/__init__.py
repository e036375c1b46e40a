"""Ordinary networks, healthy or with a fault put in."""

from movingtarget.cases import injections, networks

__all__ = ["injections", "networks"]
