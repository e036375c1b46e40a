"""Multilayer perceptrons of the families compared, one file a kind, and how to build and stack them."""

from movingtarget.networks.build import Architecture, build, build_random
from movingtarget.networks.stack import Parameters, call, stack, unstack

__all__ = ["Architecture", "Parameters", "build", "build_random", "call", "stack", "unstack"]
