"""Rule write_report: tables, figures and prose -> the report as HTML, PDF and LaTeX."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.claims.judge import VERDICTS
from movingtarget.declarations import figures, schemas
from movingtarget.report.prose import fill
from movingtarget.report.render import render
from movingtarget.report.values import Run, report_values
from movingtarget.tables import read_table
from movingtarget_workflow.job import job
from movingtarget_workflow.places import is_missing, read, table_path
from movingtarget_workflow.record import COSTS
from movingtarget_workflow.settings import read_yaml
from movingtarget_workflow.sources import PROJECT, digest
from movingtarget_workflow.version import code_version

if TYPE_CHECKING:
    from snakemake.script import snakemake

if __name__ == "__main__":
    with job(snakemake):
        chosen, output = snakemake.params, snakemake.output
        results = Path(output.html).parent
        known = {**schemas(), "claims": VERDICTS}
        paths = {name: table_path(name, results) for name in known if not is_missing(name)}
        run = Run(
            config=snakemake.config,
            version=code_version(),
            command=chosen.command,
            figures=figures(),
            provenance={
                name: f"tables {', '.join(figure.tables)} "
                f"(sha256 {digest([paths[table] for table in figure.tables if table in paths])})"
                for name, figure in figures().items()
            },
            costs=read_table(snakemake.input.costs, COSTS),
            made=read_yaml(Path(snakemake.input.record)),
            anew=not snakemake.config["tables_from"],
        )
        tables = {name: read(name, schema, results) for name, schema in known.items()}
        template = PROJECT / "report/report.md"
        render(
            fill(template.read_text(encoding="utf-8"), report_values(tables, run), template.parent),
            figures=results / "figures",
            style=PROJECT / "report/style",
            bibliography=PROJECT / "report/references.bib",
            html=Path(output.html),
            pdf=Path(output.pdf),
            tex=Path(output.tex),
        )
