"""The tables of costs are what their command writes."""

from movingtarget_workflow.compare_costs import PAGES, REFERENCE, by_study, compared, config_of, filled, parts
from movingtarget_workflow.fit_costs import took
from movingtarget_workflow.plan import STUDIES


def test_pages_are_up_to_date_and_every_part_stands_in_one():
    new, texts = parts(), [page.read_text(encoding="utf-8") for page in PAGES]
    for text in texts:
        assert filled(text, new) == text
    assert {part for text in texts for part in new if f"<!-- {part} -->" in text} == {*new}


def test_every_study_of_a_whole_run_has_a_row():
    rows = {line.split(" | ")[0].removeprefix("| ") for line in compared(by_study(took(REFERENCE)))}
    assert rows - {"Study", ":--"} == {name for name, study in STUDIES.items() if not study.apart}


def test_an_overlay_changes_what_it_names_alone():
    usual, paper_scale = config_of("mnist.yaml"), config_of("paper.yaml")
    assert usual["dataset"] == "mnist"
    assert paper_scale["training"]["epochs"] > usual["training"]["epochs"]
    assert paper_scale["training"]["seeds"] == usual["training"]["seeds"]
