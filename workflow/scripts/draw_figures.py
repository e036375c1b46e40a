"""Rules draw_...: tables -> the figures of a chapter, as SVG for the screen and as PDF for print.

A figure that is there, drawn by the same code from the same tables, is left as it is.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.declarations import figures, schemas
from movingtarget.figure import filled_caption
from movingtarget_workflow.job import job
from movingtarget_workflow.places import is_missing, read, table_path
from movingtarget_workflow.sources import digest, digest_of_text

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake) as running:
        from movingtarget.drawing.style import blank, is_drawn, save

        results = Path(snakemake.config["results"])
        for name, code in snakemake.params.code.items():
            declared = figures()[name]
            paths = [table_path(table, results) for table in declared.tables if not is_missing(table)]
            files = [results / "figures" / f"{name}.{ending}" for ending in ("svg", "pdf")]
            mark = digest_of_text(f"{code} {digest(paths)}")
            caption = filled_caption(declared.caption, snakemake.config)
            files[0].with_suffix(".rst").write_text(caption + "\n", encoding="utf-8")
            if is_drawn(mark, *files):
                running.say(f"{name} is drawn already")
                continue
            running.say(name)
            tables = [read(table, schemas()[table], results) for table in declared.tables]
            empty = [table for table, rows in zip(declared.tables, tables, strict=True) if rows.empty]
            if empty:
                figure = blank(f"nothing to draw: with these settings table {empty[0]} has no rows")
            else:
                figure = import_module(f"movingtarget.figures.{name}").draw(*tables)
            save(figure, mark, *files)
