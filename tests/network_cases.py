"""Families of networks that are built at the small sizes of the tests."""

from movingtarget.families import FAMILIES

PERCEPTRONS = [family for family in FAMILIES if family != "patch-convolution"]
"""All that take any number of features and units; convolutions want square images, see test_convolution."""
