"""What a figure declares of itself: the tables it is drawn from, its chapter and its caption."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from movingtarget.data.catalogue import DATASETS


@dataclass(frozen=True)
class Drawing:
    """One figure: a module of `figures` states it as FIGURE beside its function `draw`.

    `draw` is given the tables in this order and returns matplotlib's figure.

    Attributes:
        rule: the workflow's name for the job that draws it, together with the others of its chapter.
        tables: their names.
        caption: a Jinja template that is filled with the run's settings; the first sentence says what to see,
            the last how it was made.
    """

    rule: str
    tables: tuple[str, ...]
    caption: str


def filled_caption(caption: str, config: Mapping[str, Any]) -> str:
    """A caption with a run's settings, on one line; `dataset` is what the data set is called.

    Raises:
        jinja2.TemplateError: it is wrongly written, or names a setting that there is not.
    """
    import jinja2

    template = jinja2.Template(caption, undefined=jinja2.StrictUndefined)
    settings = dict(config)
    if (dataset := config.get("dataset")) in DATASETS:
        settings["dataset"] = DATASETS[dataset].title
    return " ".join(template.render(settings).split())
