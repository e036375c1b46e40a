"""Rule write_report: tables, figures and prose -> the report as HTML, PDF and LaTeX, and its summary."""

from pathlib import Path
from typing import TYPE_CHECKING

from movingtarget.claims.judge import VERDICTS
from movingtarget.declarations import figures, schemas
from movingtarget.report.prose import fill
from movingtarget.report.render import render, render_summary
from movingtarget.report.shown import Run
from movingtarget.report.values import report_values
from movingtarget.tables import read_table
from movingtarget_workflow.chapters import chapters
from movingtarget_workflow.job import job
from movingtarget_workflow.places import is_missing, read, table_path
from movingtarget_workflow.record import COSTS
from movingtarget_workflow.run import claims_of
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
            shown=[*chapters()],
            fingerprints={
                name: digest([paths[table] for table in figure.tables if table in paths])
                for name, figure in figures().items()
            },
            claim_tables={claim["id"]: claim["table"] for claim in claims_of()},
            costs=read_table(snakemake.input.costs, COSTS),
            made=read_yaml(Path(snakemake.input.record)),
            anew=not snakemake.config["tables_from"],
        )
        tables = {name: read(name, schema, results) for name, schema in known.items()}
        folder, values = PROJECT / "report", report_values(tables, run)
        report, summary = (
            fill((folder / name).read_text(encoding="utf-8"), values, folder)
            for name in ("report.md", "summary.md")
        )
        bibliography = folder / "references.bib"
        render(
            report,
            figures=results / "figures",
            style=folder / "style",
            bibliography=bibliography,
            data=tables,
            html=Path(output.html),
            pdf=Path(output.pdf),
            tex=Path(output.tex),
        )
        render_summary(summary, bibliography=bibliography, summary=Path(output.summary))
