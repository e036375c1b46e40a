"""What a figure declares, and its caption with a run's settings."""

import dataclasses

import jinja2
import pytest

from movingtarget.figure import Drawing, filled_caption

CONFIG = {"study": {"seeds": [0, 1, 2], "width": 64}, "dataset": "digits"}


def test_a_caption_is_filled_with_settings_on_one_line():
    caption = """\
See {{ study.seeds | length }} seeds of {{
dataset }}, {{ study["width"] }}
  wide.

Made {{ study.seeds | length * study.width }}.
"""
    assert filled_caption(caption, CONFIG) == "See 3 seeds of scikit-learn's digits, 64 wide. Made 192."


def test_a_caption_without_settings_stays_as_it_is():
    assert filled_caption("A 95 % interval, {as is}.", {}) == "A 95 % interval, {as is}."


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ("{{ studdy.seeds }}", "'studdy' is undefined"),
        ("{{ study.seed }}", "has no attribute 'seed'"),
        ("{{ study.seed | length }}", "has no attribute 'seed'"),
        ("{% if study.seed %}a{% endif %}", "has no attribute 'seed'"),
        ("{{ study.seeds | len }}", "No filter named 'len'"),
        ("{{ study.seeds", "unexpected end of template"),
        ("{{ }}", "Expected an expression"),
    ],
)
def test_a_wrong_caption_is_refused(caption, message):
    with pytest.raises(jinja2.TemplateError, match=message):
        filled_caption(caption, CONFIG)


def test_a_declaration_cannot_be_changed():
    drawing = Drawing("draw_these", ("training",), "See.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        drawing.caption = "Look."  # type: ignore[misc]
