"""Moving Target: train, measure, judge the papers' claims, report. Usage: snakemake --cores N"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")
PROJECT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
sys.path.insert(0, str(PROJECT / "src"))  # the library of this project, whichever is installed

from movingtarget_workflow.interruption import end_when_interrupted

end_when_interrupted()

from movingtarget_workflow import chapters, cluster, places, plan, record, reference, run, terminal


configfile: "config/config.yaml"


run.check_run(config, ["config/config.yaml", *workflow.overwrite_configfiles])
run.set_environment(PROJECT)
terminal.attach(workflow, PROJECT / f"results/reference/{config['scale']}/costs.csv", config)
RESULTS = config["results"]
# jobs on a cluster read this file, too, when all is checked and others are at work
if workflow.is_main_process:
    run.check_counts(cores=workflow.cores, jobs=workflow.nodes)
    run.check_claims_and_figures(config)
    run.check_outputs(RESULTS)


include: "workflow/rules/common.smk"


if config["tables_from"]:

    include: "workflow/rules/reference.smk"

else:

    include: "workflow/rules/data.smk"
    include: "workflow/rules/studies.smk"
    include: "workflow/rules/record.smk"


include: "workflow/rules/report.smk"


onstart:
    run.begin(workflow, config)


rule all:
    default_target: True
    input:
        rules.write_report.output,
        rules.write_report.input,  # so that a deleted table or figure is made again though the report stands
        [] if config["tables_from"] else [rules.fetch_dataset.output, PARTS],
    localrule: True
    message:
        f"The report is {RESULTS}/report.html, .pdf and .tex"
