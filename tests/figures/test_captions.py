"""Captions are plain sentences, for `snakemake --report` (reStructuredText) and for the report (Markdown)."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pypandoc
import pytest
import yaml
from docutils.core import publish_doctree
from docutils.nodes import Text, paragraph

from movingtarget.declarations import figures, schemas
from movingtarget.figure import filled_caption

PROJECT = Path(__file__).parents[2]
FIGURES = {
    path.stem
    for path in (PROJECT / "src/movingtarget/figures").glob("*.py")
    if "def draw(" in path.read_text()
}
CAPTIONS = [*figures(), "claims"]


def settings(overlay: str) -> dict[str, Any]:
    config = yaml.safe_load((PROJECT / "config/config.yaml").read_text())
    for key, value in yaml.safe_load((PROJECT / "config" / overlay).read_text()).items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    return config


def filled(caption: str, overlay: str = "config.yaml") -> str:
    config = settings(overlay)
    if caption in figures():
        return filled_caption(figures()[caption].caption, config)
    text = (PROJECT / f"workflow/report/{caption}.rst").read_text()
    template = jinja2.Template(text, undefined=jinja2.StrictUndefined)
    return " ".join(template.render(snakemake=SimpleNamespace(config=config)).split())


def test_every_figure_and_the_verdicts_have_a_caption():
    assert set(figures()) == FIGURES
    assert [path.stem for path in sorted((PROJECT / "workflow/report").glob("*.rst"))] == ["claims", "report"]


@pytest.mark.parametrize("name", figures())
def test_a_figure_is_drawn_from_tables_that_there_are(name):
    assert figures()[name].tables
    assert set(figures()[name].tables) <= set(schemas())


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize("overlay", ["config.yaml", "smoke.yaml"])
def test_both_languages_read_a_caption_as_it_is_written(caption, overlay):
    text = filled(caption, overlay)
    assert pypandoc.convert_text(text, "plain", "markdown-smart", extra_args=["--wrap=none"]).strip() == text
    (read,) = publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 1}).children
    assert isinstance(read, paragraph)
    assert [type(child) for child in read.children] == [Text]
    assert read.astext() == text


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_caption_has_three_to_five_sentences_and_ends_with_how_it_was_made(caption):
    sentences = filled(caption).removesuffix(".").split(". ")
    assert 3 <= len(sentences) <= 5
    assert sentences[-1].startswith("Made ")
