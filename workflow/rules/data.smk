"""Data: the published files of the chosen data set, verified."""

DATASET_FILES = multiext(
    f"{RESULTS}/data/{config['dataset']}/",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


rule fetch_dataset:
    message:
        f"Fetching {config['dataset']}"
    input:
        sources=sources("data.fetch"),
    output:
        DATASET_FILES,
    params:
        dataset=config["dataset"],
    log:
        f"{RESULTS}/logs/fetch_dataset.log",
    benchmark:
        f"{RESULTS}/costs/fetch_dataset.tsv"
    threads: 1
    script:
        "../scripts/fetch_dataset.py"
