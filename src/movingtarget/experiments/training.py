"""Experiment: how families of networks train, each arm at its own best learning rate."""

from functools import partial

from movingtarget.arms import training_study
from movingtarget.training.arms import measure_arm

STUDY = training_study("training", rule="train_training")

measure = partial(measure_arm, "training")
