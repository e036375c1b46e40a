"""Data: the published files of the chosen data set, verified."""


rule fetch_dataset:
    output:
        # what studies depend on: small, so that a copy of it with a new time has nothing run again
        sums=f"{DATA}/SHA256SUMS",
        files=expand(f"{DATA}/{{file}}", file=plan.DATA_FILES),
    log:
        f"{RESULTS}/logs/fetch_dataset.log",
    benchmark:
        f"{RESULTS}/costs/fetch_dataset.tsv"
    threads: 1
    params:
        dataset=config["dataset"],
        published=dict(plan.DATASETS[config["dataset"]].sha256),
        modules=["data.fetch"],
        code=plan.code("fetch_dataset", "data.fetch"),
    message:
        f"Fetching {config['dataset']}"
    script:
        "../scripts/fetch_dataset.py"
