"""The estimate of what is left: from the reference, at this run's pace, never more certain than it is."""

from pathlib import Path

import pytest

from movingtarget_workflow.time_left import PRIOR_SECONDS, Estimate, read_costs, time_left

REFERENCE = {"train/a": 100.0, "train/b": 100.0, "time": 30.0}


def test_work_is_shared_out_over_the_cores():
    assert time_left({"train/a": 1, "train/b": 1}, {}, {}, REFERENCE, cores=2, after={}).seconds == 100.0
    assert time_left({"train/a": 1, "train/b": 1}, {}, {}, REFERENCE, cores=1, after={}).seconds == 200.0


def test_nothing_takes_less_than_its_longest_job():
    assert time_left({"train/a": 1}, {}, {}, REFERENCE, cores=8, after={}).seconds == 100.0


def test_jobs_that_wait_for_one_another_follow_each_other():
    waiting, after = {"train/a": 1, "train/b": 1, "time": 1}, {"time": ["train/a", "train/b", "data"]}
    assert time_left(waiting, {}, {}, REFERENCE, cores=9, after=after).seconds == 130.0
    assert time_left(waiting, {"train/a": 90.0}, {}, REFERENCE, cores=9, after=after).seconds == 130.0
    done = {"train/a": 100.0, "train/b": 100.0}
    assert time_left({"time": 1}, {}, done, REFERENCE, cores=9, after=after).seconds == 30.0
    chain = {"train/b": ["gather"], "gather": ["train/a"]}  # through a job of unknown length
    several = dict.fromkeys(["train/a", "gather", "train/b"], 1)
    assert time_left(several, {}, {}, REFERENCE, cores=9, after=chain) == Estimate(200.0, unknown=1)


def test_a_job_that_keeps_all_cores_is_not_shared():
    assert (
        time_left({"time": 2, "train/a": 1, "train/b": 1}, {}, {}, REFERENCE, cores=2, after={}).seconds
        == 130.0
    )


def test_what_a_running_job_has_done_is_not_left():
    assert time_left({"train/a": 1}, {"train/a": 60.0}, {}, REFERENCE, cores=1, after={}).seconds == 40.0
    assert time_left({"train/a": 1}, {"train/a": 600.0}, {}, REFERENCE, cores=1, after={}).seconds == 0.0


def test_a_slow_machine_is_told_by_its_jobs():
    slow = time_left({"train/b": 1}, {}, {"train/a": 200.0}, REFERENCE, cores=1, after={}).seconds
    assert slow == pytest.approx(100.0 * (PRIOR_SECONDS + 200.0) / (PRIOR_SECONDS + 100.0))


def test_jobs_that_the_reference_lacks_take_what_their_rule_took_here_or_are_counted():
    waiting, finished = {"new/b": 1, "other": 1, "train/a": 1}, {"new/a": 4.0, "new/c": 8.0}
    assert time_left(waiting, {}, finished, REFERENCE, cores=1, after={}) == Estimate(106.0, unknown=1)
    assert time_left(waiting, {}, {}, {}, cores=1, after={}) == Estimate(0.0, unknown=3)


def test_what_no_reference_can_hold_is_known_about():
    waiting = {"train/a": 1, "gather_parts/a": 1, "write_report": 1}
    assert time_left(waiting, {}, {}, REFERENCE, cores=1, after={}) == Estimate(116.0, unknown=0)
    assert time_left(waiting, {}, {"gather_parts/b": 5.0}, REFERENCE, cores=1, after={}) == Estimate(
        120.0, unknown=0
    )


def test_costs_are_read_from_a_table_that_may_be_missing(tmp_path: Path):
    table = tmp_path / "costs.csv"
    assert read_costs(table) == {}
    table.write_text("job,seconds,memory\ntrain/a,100.5,512.0\n", encoding="utf-8")
    assert read_costs(table) == {"train/a": 100.5}
