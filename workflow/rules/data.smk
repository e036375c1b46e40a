"""Data: the published files of the chosen data set, verified."""

DATASET_FILES = multiext(
    f"{RESULTS}/data/{config['dataset']}/",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


rule fetch_dataset:
    input:
        sources=sources("data.fetch"),
    output:
        DATASET_FILES,
    log:
        f"{RESULTS}/logs/fetch_dataset.log",
    benchmark:
        f"{RESULTS}/costs/fetch_dataset.tsv"
    threads: 1
    params:
        dataset=config["dataset"],
    message:
        f"Fetching {config['dataset']}"
    script:
        "../scripts/fetch_dataset.py"
