"""Verdicts, figures and the report."""

# the words that start this run again
COMMAND = run.command_of(workflow.overwrite_configfiles, workflow.config_settings.config)
FIGURE_FILES = expand(
    f"{RESULTS}/figures/{{figure}}.{{ending}}", figure=plan.FIGURES, ending=["svg", "pdf", "rst"]
)


rule judge_claims:
    input:
        **{table: table_file(table) for table in plan.TABLES},
    output:
        table=report(
            table_file("claims"),
            caption="../report/claims.rst",
            category="Verdicts",
            labels={"table": "Every claim and its verdict"},
        ),
    log:
        f"{RESULTS}/logs/judge_claims.log",
    benchmark:
        f"{RESULTS}/costs/judge_claims.tsv"
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        scale=config["scale"],
        claims=run.claims_digest(),
        schemas=plan.schemas_digest(),
        modules=["claims.judge", "claims.check"],
        code=plan.code("judge_claims", "claims.judge"),
    message:
        "Judging the claims"
    script:
        "../scripts/judge_claims.py"


for name, figures in plan.drawing_rules().items():

    rule:
        name:
            name
        input:
            files_of(plan.tables_of(figures)),
        output:
            # what is there stays: a deleted figure is drawn again alone
            [update(shown_figure(figure)) for figure in figures],
            [
                update(f"{RESULTS}/figures/{figure}.{ending}")
                for figure in figures
                for ending in ("pdf", "rst")
            ],
        log:
            f"{RESULTS}/logs/{name}.log",
        benchmark:
            f"{RESULTS}/costs/{name}.tsv"
        # the longest first, so that none is left alone at the end
        priority: len(figures)
        localrule: True
        threads: 1
        resources:
            login_node=1,
        params:
            captions=plan.captions_digest(figures, config),
            modules=["tables", *(f"figures.{figure}" for figure in figures)],
            code=plan.code_of_figures(name),
        message:
            f"Drawing {len(figures)} figures: {', '.join(figures)}"
        script:
            "../scripts/draw_figures.py"


rule write_report:
    input:
        rules.judge_claims.output.table,
        files_of([*plan.TABLES, *places.REFERENCES]),
        FIGURE_FILES,
        costs=f"{RESULTS}/costs.csv",
        record=f"{RESULTS}/record.yaml",
    output:
        html=report(
            f"{RESULTS}/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"format": "Web page"},
        ),
        pdf=report(
            f"{RESULTS}/report.pdf",
            caption="../report/report.rst",
            category="Report",
            labels={"format": "PDF"},
        ),
        tex=f"{RESULTS}/report.tex",
        summary=f"{RESULTS}/summary.md",
    log:
        f"{RESULTS}/logs/write_report.log",
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        command=COMMAND,
        text=run.report_digest(config),
        modules=["report.prose", "report.render", "report.values", "claims.judge", "claims.check", "tables"],
        code=plan.code_and_names("write_report", "report.prose", "report.render", "report.values", "tables"),
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
