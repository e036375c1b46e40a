"""Studies: a rule for each, named and described by its declaration in movingtarget.experiments."""

for name, study in plan.STUDIES.items():
    parts = [part for part in plan.jobs_of(name, config) if part]
    job = f"{study.rule}/{{part}}" if parts else study.rule

    rule:
        name:
            study.rule
        input:
            **needs_of(study),
        output:
            **products_of(name, study, parts),
        log:
            f"{RESULTS}/logs/{job}.log",
        benchmark:
            f"{RESULTS}/costs/{job}.tsv"
        wildcard_constraints:
            part="|".join(parts),
        priority: plan.priority(name)
        group:
            cluster.group_of(name, config)
        localrule: study.turns_tables
        threads: workflow.cores if study.undisturbed else 1
        resources:
            **cluster.resources_of(name, config),
        params:
            **plan.parameters_of(name, config),
        message:
            study.rule.replace("_", " ").capitalize() + (": {wildcards.part}" if parts else "")
        script:
            "../scripts/run_study.py"


rule gather_parts:
    input:
        parts=lambda wildcards: [
            f"{RESULTS}/tables/parts/{wildcards.table}/{part}.csv" for part in PART_NAMES[wildcards.table]
        ],
    output:
        table=table_file("{table}"),
    log:
        f"{RESULTS}/logs/gather_parts/{{table}}.log",
    benchmark:
        f"{RESULTS}/costs/gather_parts/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(PART_NAMES),
    priority: plan.FIRST
    localrule: True
    threads: 1
    resources:
        login_node=1,
    params:
        names=lambda wildcards: PART_NAMES[wildcards.table],
        modules=["tables"],
        code=plan.code("gather_parts", "tables"),
    message:
        "Gathering table {wildcards.table}"
    script:
        "../scripts/gather_parts.py"
