"""Measurements of random networks: one job an experiment, which makes one or more tables."""

RANDOM_NETWORKS = {  # the tables of each experiment
    "line_gradients": [
        "gradients_on_a_line",
        "noise_on_a_line",
        "gradient_autocorrelation",
        "noise_autocorrelation",
        "residual_variants",
    ],
    "gradient_correlation": ["gradient_correlation"],
    "activations": ["activation_shares", "activation_patterns", "contiguity"],
    "effective_rank": ["effective_rank"],
    "looks_linear": ["looks_linear"],
    "image_paths": ["path_autocorrelation"],
    "linear_chain": ["linear_chain", "chain_stability"],
    "one_step": ["one_step"],
}
ON_IMAGES = ["effective_rank", "image_paths", "one_step"]


for experiment, tables in RANDOM_NETWORKS.items():

    rule:
        name:
            f"measure_{experiment}"
        input:
            DATASET_FILES if experiment in ON_IMAGES else [],
            sources=sources("data.load", f"experiments.{experiment}", "tables"),
        output:
            [f"{RESULTS}/tables/{table}.csv" for table in tables],
        log:
            f"{RESULTS}/logs/measure_{experiment}.log",
        benchmark:
            f"{RESULTS}/costs/measure_{experiment}.tsv"
        threads: 1
        params:
            experiment=experiment,
            dataset=config["dataset"] if experiment in ON_IMAGES else None,
            settings=config[experiment],
        message:
            f"Measuring {experiment} of random networks, {len(config[experiment]['seeds'])} seeds"
        script:
            "../scripts/measure_random_networks.py"
