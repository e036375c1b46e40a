"""Tables of a run that was kept, in place of studies: the rest of the run is the same."""


rule take_reference:
    input:
        tables=[str(reference.kept_table(table, config["tables_from"])) for table in plan.TABLES],
        records=expand(f"{config['tables_from']}/{{name}}", name=reference.RECORDS),
    output:
        tables=[table_file(table) for table in plan.TABLES],
        records=expand(f"{RESULTS}/{{name}}", name=reference.RECORDS),
    log:
        f"{RESULTS}/logs/take_reference.log",
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        code=plan.code("take_reference"),
    message:
        f"Taking the tables from {config['tables_from']}"
    script:
        "../scripts/take_reference.py"
