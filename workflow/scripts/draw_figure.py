"""Rules draw_...: tables -> a figure, as SVG for the screen and as PDF for print."""

from importlib import import_module
from pathlib import Path

from movingtarget.figures.style import save
from movingtarget.tables import read_table
from movingtarget_workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        paths = [Path(path) for path in snakemake.input.tables]
        draw = import_module(f"movingtarget.figures.{snakemake.params.figure}").draw
        figure = draw(*[read_table(path, path.stem) for path in paths])
        save(figure, snakemake.output.svg, snakemake.output.pdf)
