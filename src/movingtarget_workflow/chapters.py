"""Which chapter of the report a figure, a study and a rule belong to, as the report's text has it."""

import functools
import re
from collections import Counter
from pathlib import Path

from movingtarget_workflow.plan import FIGURES, STUDIES, drawing_rules
from movingtarget_workflow.sources import PROJECT

TEXT = PROJECT / "report/report.md"
INCLUDED = re.compile(r'<% include "(.+?)" %>')
TITLE_OR_FIGURE = re.compile(r'^# (?:Details: )?(.+?)(?: \{.*\})?$|<< figure\("(\w+)"', re.MULTILINE)


@functools.cache
def chapters() -> dict[str, str]:
    """The title of the chapter of each figure that the report shows, in its order.

    A figure in an appendix "Details: TITLE" belongs to the chapter TITLE.
    """
    return figures_by_chapter(whole_text(TEXT))


def figures_by_chapter(text: str) -> dict[str, str]:
    r"""The title above each figure of a text.

    >>> figures_by_chapter('# Training {#training}\n<< figure("learning_rates") >>')
    {'learning_rates': 'Training'}
    """
    found, title = dict[str, str](), ""
    for heading, figure in TITLE_OR_FIGURE.findall(text):
        title = heading[:1].upper() + heading[1:] or title
        if figure:
            found.setdefault(figure, title)
    return found


def whole_text(file: Path, folder: Path = TEXT.parent) -> str:
    """A file with those that it includes, which lie in a folder."""
    text = file.read_text(encoding="utf-8")
    return INCLUDED.sub(lambda name: whole_text(folder / name[1], folder), text)


def chapter_of_figure(name: str) -> str:
    """The chapter of a figure, or what stands for one if the report does not show it."""
    return chapters().get(name, "Not in the report")


@functools.cache
def chapter_of_job(job: str) -> str:
    """The chapter of a job, RULE or RULE/PART; of one that serves all of them, what it does.

    >>> chapter_of_job("judge_claims")
    'Judge claims'
    """
    rule, _, part = job.partition("/")
    if rule in (drawing := drawing_rules()):
        return _most_common(drawing[rule]) or _in_words(rule)
    for name, study in STUDIES.items():
        if rule == study.rule or (rule == "gather_parts" and part in study.tables):
            return chapter_of_study(name) or _in_words(rule)
    return _in_words(rule)


def chapter_of_study(name: str) -> str:
    """The chapter of the figure that is drawn from a study's tables and the fewest others.

    Of several it is the last, for the report opens with what its chapters show. Without one it is the chapter
    of the first study, if any, that takes the tables or the members.
    """
    study, shown = STUDIES[name], chapters()
    drawn = [figure for figure in reversed(shown) if set(FIGURES[figure].tables) & set(study.tables)]
    if drawn:
        return shown[min(drawn, key=lambda figure: len(FIGURES[figure].tables))]
    takers = (
        taker
        for taker, other in STUDIES.items()
        if other.members == name or set(other.reads) & set(study.tables)
    )
    return next(filter(None, map(chapter_of_study, takers)), "")


def _in_words(rule: str) -> str:
    return rule.replace("_", " ").capitalize()


def _most_common(figures: list[str]) -> str:
    titles = Counter(title for figure, title in chapters().items() if figure in figures)
    return max(titles, key=lambda title: titles[title], default="")
