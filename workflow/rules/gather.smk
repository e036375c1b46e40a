"""Tables whose parts are made by jobs of their own."""

PART_NAMES = {
    **{study: arms_of(study) for study in STUDIES},
    **{measurement: arms_of(study, "sgd") for measurement, study in MEASUREMENTS.items()},
    "moving_target": TARGETS,
    "update_orders": ORDERS,
}


def parts_of(table):
    """The files that make up a table."""
    return [f"{RESULTS}/tables/parts/{table}/{name}.csv" for name in PART_NAMES[table]]


PARTS = [part for table in PART_NAMES for part in parts_of(table)]


rule gather_parts:
    input:
        parts=lambda wildcards: parts_of(wildcards.table),
        sources=sources("tables"),
    output:
        table=f"{RESULTS}/tables/{{table}}.csv",
    log:
        f"{RESULTS}/logs/gather_parts/{{table}}.log",
    benchmark:
        f"{RESULTS}/costs/gather_parts/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(PART_NAMES),
    threads: 1
    message:
        "Gathering table {wildcards.table}"
    script:
        "../scripts/gather_parts.py"
