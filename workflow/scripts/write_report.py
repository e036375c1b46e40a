"""Rule write_report: tables, figures and prose -> the report as HTML, PDF and LaTeX."""

from pathlib import Path

from movingtarget.report.prose import fill
from movingtarget.report.render import render
from movingtarget.report.values import Run, costs_table, report_values
from movingtarget.tables import read_table
from movingtarget_workflow.job import job
from movingtarget_workflow.sources import digest
from movingtarget_workflow.version import code_version

if __name__ == "__main__":
    with job(snakemake):
        chosen, given, output = snakemake.params, snakemake.input, snakemake.output
        results = Path(output.html).parent
        names = [*chosen.tables, "claims"]
        tables = {name: results / f"tables/{name}.csv" for name in names}
        run = Run(
            config=snakemake.config,
            version=code_version(),
            command=chosen.command,
            captions={name: Path(f"workflow/report/{name}.rst").read_text() for name in chosen.figures},
            provenance={
                figure: f"tables {', '.join(drawn)} (sha256 {digest([tables[name] for name in drawn])})"
                for figure, drawn in chosen.figures.items()
            },
            costs=costs_table([Path(path) for path in given.costs], results / "costs"),
        )
        values = report_values({name: read_table(path, name) for name, path in tables.items()}, run)
        markdown = fill(Path(given.template).read_text(encoding="utf-8"), values)
        render(
            markdown,
            figures=results / "figures",
            style=Path(given.style[0]).parent,
            bibliography=Path(given.bibliography),
            html=Path(output.html),
            pdf=Path(output.pdf),
            tex=Path(output.tex),
        )
