"""Training, every seed and learning rate of an arm in one job, and the measurements of trained members."""

ARM = "{network}-{depth}-{update_rule}"
STUDIES = ["training", "depth_ladder"]
MEASUREMENTS = {  # of the arms trained with sgd, and the study whose arms they are
    "image_gradients": "training",
    "mutual_information": "training",
    "shattering_in_training": "depth_ladder",
}


def arms_of(study, *update_rules):
    """Names of a study's arms; of those with one of these update rules, if any are given."""
    arms = [arm for arm in config[study]["arms"] if arm["update_rule"] in update_rules or not update_rules]
    return [ARM.format(**arm) for arm in arms]


def arm_of(wildcards):
    """The settings of an arm, as the library has them."""
    return {
        "network": wildcards.network,
        "depth": int(wildcards.depth),
        "update_rule": wildcards.update_rule,
    }


def settings_of(study, *keys):
    """The part of a study's settings that a rule uses."""
    return {key: config[study][key] for key in keys}


for study in STUDIES:

    rule:
        name:
            f"train_{study}"
        input:
            DATASET_FILES,
            sources=sources("data.load", "experiments.trained_members", "tables"),
        output:
            table=f"{RESULTS}/tables/parts/{study}/{ARM}.csv",
            members=f"{RESULTS}/members/{study}/{ARM}.pt",
        log:
            f"{RESULTS}/logs/train_{study}/{ARM}.log",
        benchmark:
            f"{RESULTS}/costs/train_{study}/{ARM}.tsv"
        threads: 1
        params:
            study=study,
            dataset=config["dataset"],
            arm=arm_of,
            seeds=config[study]["seeds"],
            network=settings_of(study, "hidden_width", "activation"),
            initial_weights=config[study]["initial_weights"],
            schedule=settings_of(
                study,
                "learning_rates",
                "batch_size",
                "epochs",
                "evaluations_per_epoch",
                "evaluation_examples",
                "curve_window",
                "snapshot_steps",
            ),
            rule_settings={"locoprop": config["locoprop"]},
        message:
            "Training {wildcards.network}, depth {wildcards.depth}, by {wildcards.update_rule}"
        script:
            "../scripts/train_arm.py"


for measurement, study in MEASUREMENTS.items():

    rule:
        name:
            f"measure_{measurement}"
        input:
            DATASET_FILES,
            members=f"{RESULTS}/members/{study}/{ARM}.pt",
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
            seeds=config[study]["seeds"],
            network=settings_of(study, "hidden_width", "activation"),
            settings=config[measurement],
        message:
            f"Measuring {measurement} in {{wildcards.network}}, depth {{wildcards.depth}}"
        script:
            "../scripts/measure_arm.py"


rule measure_learning_speed:
    input:
        ladder=f"{RESULTS}/tables/depth_ladder.csv",
        shattering=f"{RESULTS}/tables/shattering_in_training.csv",
        sources=sources("experiments.learning_speed", "tables"),
    output:
        table=f"{RESULTS}/tables/learning_speed.csv",
    log:
        f"{RESULTS}/logs/measure_learning_speed.log",
    benchmark:
        f"{RESULTS}/costs/measure_learning_speed.tsv"
    threads: 1
    params:
        threshold=config["learning_speed"]["threshold"],
    message:
        "Steps that the ladder's arms take to a threshold of the loss"
    script:
        "../scripts/measure_learning_speed.py"
