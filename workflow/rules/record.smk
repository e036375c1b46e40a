"""What a run says of itself, and what of a run is kept in git."""


rule record_run:
    input:
        [f"{RESULTS}/costs/{job}.tsv" for job in plan.cost_names(config)],
    output:
        settings=f"{RESULTS}/settings.yaml",
        record=f"{RESULTS}/record.yaml",
        costs=f"{RESULTS}/costs.csv",
    log:
        f"{RESULTS}/logs/record_run.log",
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        jobs=plan.cost_names(config),
        settings=record.settings_of(config),
        modules=["tables"],
        code=plan.code("record_run", "tables"),
    message:
        "Recording settings, costs and machine"
    script:
        "../scripts/record_run.py"


# no output: asked for, it keeps the run anew, whatever lies there
rule reference:
    input:
        rules.record_run.output,
        [table_file(table) for table in plan.TABLES],
        [f"{RESULTS}/{shown}" for shown in reference.SHOWN],
    log:
        f"{RESULTS}/logs/reference.log",
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        folder=f"results/reference/{config['scale']}",
        tables=plan.TABLES,
    message:
        "Keeping the run in {params.folder}"
    script:
        "../scripts/keep_reference.py"
