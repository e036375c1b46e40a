"""The line that tells how far a run is."""

import re

import pytest

from movingtarget_workflow.chapters import chapter_of_job
from movingtarget_workflow.progress import Progress, duration, in_words
from movingtarget_workflow.time_left import Estimate

WHITENESS = chapter_of_job("measure_whiteness")


def test_it_tells_chapter_jobs_and_time():
    progress = Progress(
        {"measure_whiteness": 1, "judge_claims": 1}, 2, {"measure_whiteness": 600.0, "judge_claims": 9.0}
    )
    assert re.fullmatch(r"2 jobs on 2 cores, about 10 min left \(until \d\d:\d\d\)", progress.plan())
    progress.begin("measure_whiteness")
    assert progress.now().startswith(f"{WHITENESS}: 0 of 2 jobs done, about 10 min left (until ")
    progress.end("measure_whiteness")
    assert re.match(rf"{WHITENESS}: 1 of 2 jobs done, about \d s left$", progress.now())
    progress.begin("judge_claims")
    progress.fail("judge_claims")
    assert progress.now() == "Judge claims: 1 of 2 jobs done, 1 failed"
    assert not progress.is_done()


def test_without_a_reference_it_leaves_the_time_out():
    progress = Progress({"measure_whiteness": 1, "judge_claims": 1}, 1)
    progress.begin("measure_whiteness")
    assert progress.now() == f"{WHITENESS}: 0 of 2 jobs done"


def test_on_a_cluster_it_tells_what_was_sent_for_the_latest_may_wait_for_long():
    progress = Progress({"measure_whiteness": 1, "judge_claims": 1}, None, {"measure_whiteness": 600.0})
    assert progress.plan() == "2 jobs on a cluster"
    progress.begin("measure_whiteness")
    progress.begin("judge_claims")
    assert progress.now() == "0 of 2 jobs done, 2 waiting or running"
    progress.end("measure_whiteness")
    assert progress.now() == "1 of 2 jobs done, 1 waiting or running"


@pytest.mark.parametrize(
    ("left", "waiting", "words"),
    [
        (Estimate(600.0, 1), 10, ", about 10 min and 1 job of unknown length left"),
        (Estimate(600.0, 1), 9, ""),
        (Estimate(20.0, 0), 5, ", about 20 s left"),
        (Estimate(0.0, 0), 0, ""),
    ],
)
def test_jobs_of_unknown_length_are_told_and_many_of_them_leave_nothing_to_tell(
    left: Estimate, waiting: int, words: str
):
    assert in_words(left, waiting, now=0.0) == words


def test_durations_are_rounded_as_people_do():
    assert [duration(seconds) for seconds in (0.2, 59.6, 89, 3599, 7260)] == [
        "0 s",
        "1 min",
        "1 min",
        "1 h 0 min",
        "2 h 1 min",
    ]
