"""The table of a run's costs, by chapter."""

import math

from movingtarget_workflow.compare_costs import config_of
from movingtarget_workflow.cost_table import LONGEST_NAME, cost_table
from movingtarget_workflow.costs import Cost, costs_of_run
from movingtarget_workflow.plan import cost_names


def test_chapters_add_up():
    costs = {
        "judge_claims": Cost(60.0, 1024.0),
        "train_training/a": Cost(240.0, 2048.0),
        "train_training/b": Cost(120.0, 512.0),
    }
    head, *rows, whole, time = cost_table(dict.fromkeys(costs, 1), {}, costs, cores=1)
    assert head.split("  ")[0] == "Chapter"
    assert [row.split()[-4:] for row in rows] == [
        ["min,", "train_training/a", "2.0", "GB"],
        ["min,", "judge_claims", "1.0", "GB"],
    ]
    assert "  3  " in whole
    assert "  7  " in whole
    assert time == "About 7 min on 1 core, if it is as fast as those of results/reference."


def test_jobs_whose_cost_is_unknown_are_counted_alone():
    table = cost_table({"judge_claims": 1, "new": 1}, {}, {"judge_claims": Cost(60.0, 1024.0)}, cores=2)
    assert next(line for line in table if line.startswith("New")).split() == ["New", "1", "?", "?", "?"]


def test_a_whole_run_fits_on_a_screen():
    config = config_of("paper.yaml")
    table = cost_table(dict.fromkeys(cost_names(config), 1), {}, costs_of_run(config), cores=2)
    assert len(table) < 25
    assert max(map(len, table)) < 120
    assert "Core hours" in table[0]


def test_long_names_are_cut():
    long = "train_training/" + "a" * 100
    table = cost_table({long: 1}, {}, {long: Cost(1.0, 1.0)}, cores=1)
    assert long not in "".join(table)
    assert max(map(len, table)) < LONGEST_NAME + 80


def test_on_a_cluster_jobs_that_wait_for_one_another_tell_the_least_time():
    planned = {"train_training": 1, "judge_claims": 1}
    costs = {"train_training": Cost(600.0, 1.0), "judge_claims": Cost(60.0, 1.0)}
    *_, time = cost_table(planned, {"judge_claims": ["train_training"]}, costs, cores=math.inf)
    assert time == (
        "At least 11 min on a cluster, for jobs wait for others, if its cores are as fast as those of "
        "results/reference."
    )
