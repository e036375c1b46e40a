"""Verdicts, figures and the report."""

import os
from pathlib import Path

# the words that start this run again
OVERLAYS = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
COMMAND = " ".join(["snakemake --cores 2", *[f"--configfile {path}" for path in OVERLAYS]])
TABLES = [
    *[table for tables in RANDOM_NETWORKS.values() for table in tables],
    *PART_NAMES,
    "learning_speed",
    "update_order_times",
    "update_order_budgets",
    "stable_rates",
]
FIGURES = {  # the tables each is drawn from
    "gradients_on_a_line": ["gradients_on_a_line", "noise_on_a_line"],
    "gradient_autocorrelation": ["gradient_autocorrelation", "noise_autocorrelation"],
    "residual_variants": ["residual_variants", "noise_autocorrelation"],
    "activation_shares": ["activation_shares"],
    "activation_patterns": ["activation_patterns"],
    "contiguity": ["contiguity"],
    "gradient_correlation": ["gradient_correlation"],
    "effective_rank": ["effective_rank"],
    "looks_linear": ["looks_linear"],
    "depth_ladder": ["depth_ladder"],
    "shattering_in_training": ["shattering_in_training"],
    "path_autocorrelation": ["path_autocorrelation", "noise_autocorrelation"],
    "learning_speed": ["learning_speed"],
    "one_step": ["one_step"],
    "layer_gradients": ["one_step"],
    "linear_chain": ["linear_chain", "chain_stability"],
    "local_linearity": ["moving_target"],
    "interaction": ["moving_target"],
    "covariate_shift": ["moving_target"],
    "input_drift": ["moving_target"],
    "curvature": ["moving_target"],
    "update_orders": ["update_orders", "update_order_times"],
    "update_remedies": ["update_orders", "update_order_times"],
    "update_order_budgets": ["update_order_budgets"],
    "update_order_rates": ["update_orders", "stable_rates"],
    "image_gradients": ["image_gradients"],
    "mutual_information": ["mutual_information"],
    "training_curves": ["training"],
    "learning_rates": ["training"],
}
COSTS = [
    f"{RESULTS}/costs/fetch_dataset.tsv",
    *[f"{RESULTS}/costs/measure_{name}.tsv" for name in [*RANDOM_NETWORKS, "learning_speed"]],
    *[f"{RESULTS}/costs/train_{study}/{arm}.tsv" for study in STUDIES for arm in arms_of(study)],
    *[
        f"{RESULTS}/costs/measure_{m}/{arm}.tsv"
        for m in MEASUREMENTS
        for arm in arms_of(MEASUREMENTS[m], "sgd")
    ],
    *[f"{RESULTS}/costs/measure_moving_target/{target}.tsv" for target in TARGETS],
    *[f"{RESULTS}/costs/train_update_order/{order}.tsv" for order in ORDERS],
    f"{RESULTS}/costs/time_update_orders.tsv",
    f"{RESULTS}/costs/judge_claims.tsv",
    *[f"{RESULTS}/costs/draw_{figure}.tsv" for figure in FIGURES],
]


def table_file(name):
    return f"{RESULTS}/tables/{name}.csv"


rule judge_claims:
    input:
        [table_file(name) for name in TABLES],
        claims="config/claims.yaml",
        sources=sources("report.claims", "tables"),
    output:
        table=report(table_file("claims"), caption="../report/claims.rst", category="Claims"),
    log:
        f"{RESULTS}/logs/judge_claims.log",
    benchmark:
        f"{RESULTS}/costs/judge_claims.tsv"
    threads: 1
    params:
        scale=config["scale"],
        tables=TABLES,
    message:
        "Judging the claims"
    script:
        "../scripts/judge_claims.py"


for figure, tables in FIGURES.items():

    rule:
        name:
            f"draw_{figure}"
        input:
            tables=[table_file(name) for name in tables],
            sources=sources(f"figures.{figure}", "tables"),
        output:
            svg=report(
                f"{RESULTS}/figures/{figure}.svg",
                caption=f"../report/{figure}.rst",
                category="Figures",
            ),
            pdf=f"{RESULTS}/figures/{figure}.pdf",
        log:
            f"{RESULTS}/logs/draw_{figure}.log",
        benchmark:
            f"{RESULTS}/costs/draw_{figure}.tsv"
        threads: 1
        params:
            figure=figure,
        message:
            f"Drawing {figure}"
        script:
            "../scripts/draw_figure.py"


rule write_report:
    input:
        rules.judge_claims.output.table,
        [table_file(name) for name in TABLES],
        expand(f"{RESULTS}/figures/{{figure}}.{{format}}", figure=FIGURES, format=["svg", "pdf"]),
        expand("workflow/report/{figure}.rst", figure=FIGURES),
        costs=COSTS,
        template="report/report.md",
        bibliography="report/references.bib",
        style=[str(path) for path in sorted(Path("report/style").iterdir())],
        sources=sources("report.prose", "report.render", "report.values", "tables"),
    output:
        html=report(f"{RESULTS}/report.html", category="Report"),
        pdf=f"{RESULTS}/report.pdf",
        tex=f"{RESULTS}/report.tex",
    log:
        f"{RESULTS}/logs/write_report.log",
    threads: 1
    params:
        figures=FIGURES,
        tables=TABLES,
        command=COMMAND,
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
