"""Moving Target: train, measure, judge the papers' claims, report. Usage: snakemake --cores N"""

from movingtarget_workflow.run import check_run, hold_lock, keep_freed_memory
from movingtarget_workflow.sources import sources


configfile: "config/config.yaml"


check_run(config)
keep_freed_memory()
RESULTS = config["results"]


wildcard_constraints:
    network="plain|batch-norm|residual|residual-batch-norm|crelu|looks-linear|linear",
    depth="[0-9]+",
    update_rule="sgd|locoprop",


include: "workflow/rules/data.smk"
include: "workflow/rules/random_networks.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/moving_target.smk"
include: "workflow/rules/gather.smk"
include: "workflow/rules/report.smk"


onstart:
    hold_lock(RESULTS)


rule all:
    default_target: True
    input:
        rules.write_report.output,
        rules.write_report.input,  # so that a deleted table or figure is made again though the report stands
        PARTS,
    localrule: True
    message:
        f"The report is {RESULTS}/report.html, .pdf and .tex"
