"""Experiment: to which depth families of networks can be trained."""

from functools import partial

from movingtarget.arms import training_study
from movingtarget.training.arms import measure_arm

STUDY = training_study("depth_ladder", rule="train_depth_ladder")

measure = partial(measure_arm, "depth_ladder")
