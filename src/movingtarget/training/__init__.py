"""Training of stacks of members: the loop, and one file an update rule."""

from movingtarget.training.locoprop import locoprop
from movingtarget.training.rule import Batch, Cost, Outcome, UpdateRule
from movingtarget.training.simultaneous import simultaneous

__all__ = ["Batch", "Cost", "Outcome", "UpdateRule", "locoprop", "simultaneous"]
