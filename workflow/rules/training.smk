"""Training, every seed and learning rate of an arm in one job, and the measurements of trained members."""

ARM = "{network}-{depth}-{update_rule}"
ARMS = [ARM.format(**arm) for arm in config["training"]["arms"]]
MEASUREMENTS = ["image_gradients", "mutual_information"]  # of the arms trained with sgd, layer by layer
SGD_ARMS = [arm for arm in ARMS if arm.endswith("-sgd")]
PARTS = [
    *expand(f"{RESULTS}/tables/parts/training/{{arm}}.csv", arm=ARMS),
    *expand(f"{RESULTS}/tables/parts/{{table}}/{{arm}}.csv", table=MEASUREMENTS, arm=SGD_ARMS),
]


def arm_of(wildcards):
    """The settings of an arm, as the library has them."""
    return {
        "network": wildcards.network,
        "depth": int(wildcards.depth),
        "update_rule": wildcards.update_rule,
    }


def training_settings(*keys):
    """The part of the training settings that a rule uses."""
    return {key: config["training"][key] for key in keys}


rule train_arm:
    input:
        DATASET_FILES,
        sources=sources("data.load", "experiments.trained_members", "tables"),
    output:
        table=f"{RESULTS}/tables/parts/training/{ARM}.csv",
        members=f"{RESULTS}/members/{ARM}.pt",
    log:
        f"{RESULTS}/logs/train_arm/{ARM}.log",
    benchmark:
        f"{RESULTS}/costs/train_arm/{ARM}.tsv"
    threads: 1
    params:
        dataset=config["dataset"],
        arm=arm_of,
        seeds=config["training"]["seeds"],
        network=training_settings("hidden_width", "activation"),
        schedule=training_settings(
            "learning_rates",
            "batch_size",
            "epochs",
            "evaluations_per_epoch",
            "evaluation_examples",
            "curve_window",
        ),
        rule_settings=training_settings("locoprop"),
    message:
        "Training {wildcards.network}, depth {wildcards.depth}, by {wildcards.update_rule}"
    script:
        "../scripts/train_arm.py"


for measurement in MEASUREMENTS:

    rule:
        name:
            f"measure_{measurement}"
        input:
            DATASET_FILES,
            members=rules.train_arm.output.members,
            sources=sources(
                "data.load", f"experiments.{measurement}", "experiments.trained_members", "tables"
            ),
        output:
            table=f"{RESULTS}/tables/parts/{measurement}/{ARM}.csv",
        log:
            f"{RESULTS}/logs/measure_{measurement}/{ARM}.log",
        benchmark:
            f"{RESULTS}/costs/measure_{measurement}/{ARM}.tsv"
        threads: 1
        params:
            measurement=measurement,
            dataset=config["dataset"],
            arm=arm_of,
            seeds=config["training"]["seeds"],
            network=training_settings("hidden_width", "activation"),
            settings=config[measurement],
        message:
            f"Measuring {measurement} in {{wildcards.network}}, depth {{wildcards.depth}}"
        script:
            "../scripts/measure_arm.py"


rule gather_arms:
    input:
        parts=lambda wildcards: [part for part in PARTS if f"/parts/{wildcards.table}/" in part],
        sources=sources("tables"),
    output:
        table=f"{RESULTS}/tables/{{table}}.csv",
    log:
        f"{RESULTS}/logs/gather_arms/{{table}}.log",
    benchmark:
        f"{RESULTS}/costs/gather_arms/{{table}}.tsv"
    wildcard_constraints:
        table="|".join(["training", *MEASUREMENTS]),
    threads: 1
    message:
        "Gathering table {wildcards.table}"
    script:
        "../scripts/gather_arms.py"
