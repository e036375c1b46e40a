"""Data: the published files of the chosen data set, verified, and of those that a study is about."""

# rule fetch_dataset, of the run's data set, and such as fetch_mnist for a study that is about another
for dataset in plan.datasets(config):
    name = "fetch_dataset" if dataset == config["dataset"] else f"fetch_{dataset.replace('-', '_')}"
    folder = f"{RESULTS}/data/{dataset}"

    rule:
        name:
            name
        output:
            # what studies depend on: small, so that a copy of it with a new time has nothing run again
            sums=f"{folder}/SHA256SUMS",
            files=expand(f"{folder}/{{file}}", file=plan.DATA_FILES),
        log:
            f"{RESULTS}/logs/{name}.log",
        benchmark:
            f"{RESULTS}/costs/{name}.tsv"
        localrule: True
        threads: 1
        resources:
            login_node=1,
        params:
            dataset=dataset,
            published=dict(plan.DATASETS[dataset].sha256),
            modules=["data.fetch"],
            code=plan.code("fetch_dataset", "data.fetch"),
        message:
            f"Fetching {dataset}"
        script:
            "../scripts/fetch_dataset.py"
