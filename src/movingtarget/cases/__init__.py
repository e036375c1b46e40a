"""Ordinary networks, healthy or with a fault put in."""

from movingtarget.cases import injections, networks, structures

__all__ = ["injections", "networks", "structures"]
