"""Which chapter a figure, a study and a job belong to: as the report's text has it."""

import re

import pytest

from movingtarget_workflow.chapters import (
    TEXT,
    chapter_of_figure,
    chapter_of_job,
    chapter_of_study,
    chapters,
    figures_by_chapter,
    whole_text,
)
from movingtarget_workflow.plan import FIGURES, STUDIES, drawing_rules

HEADINGS = re.findall(r"^# (?:Details: )?(.+?)(?: \{.*\})?$", whole_text(TEXT), re.MULTILINE)
TITLES = {title[:1].upper() + title[1:] for title in HEADINGS}


def test_every_figure_has_a_chapter_of_the_report():
    assert set(chapters()) == set(FIGURES)
    assert set(chapters().values()) <= TITLES


def test_a_figure_stands_under_the_last_title_before_it_and_details_belong_to_their_chapter():
    text = '# One {#one}\n<< figure("a") >>\n## Two\n<< figure("b") >>\n# Details: three\n<< figure("c") >>\n'
    assert figures_by_chapter(text) == {"a": "One", "b": "One", "c": "Three"}


def test_a_figure_that_the_report_does_not_show_is_said_to_be_none_of_it():
    assert chapter_of_figure("nowhere") == "Not in the report"


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_of_a_run_has_a_chapter(name: str):
    assert chapter_of_study(name) in TITLES or STUDIES[name].apart


def test_jobs_have_the_chapters_of_what_they_make():
    whiteness = chapter_of_figure("whiteness")
    assert chapter_of_job("measure_whiteness") == whiteness
    assert chapter_of_job("gather_parts/update_orders") == chapter_of_job("train_update_orders/any")
    assert {chapter_of_job(rule) for rule in drawing_rules()} <= TITLES
    assert chapter_of_job("fetch_dataset") == "Fetch dataset"


def test_a_study_whose_tables_other_studies_take_is_of_their_chapter():
    members = next(study.members for study in STUDIES.values() if study.members)
    assert chapter_of_study(members) in TITLES
