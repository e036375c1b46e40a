"""Multilayer perceptrons of the families compared, one file a family, and how to build and stack them."""

from movingtarget.networks.build import FAMILIES, build, build_random
from movingtarget.networks.stack import Parameters, call, stack, unstack

__all__ = ["FAMILIES", "Parameters", "build", "build_random", "call", "stack", "unstack"]
