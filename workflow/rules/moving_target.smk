"""The moving target: what the next step changes, and the orders in which layers can be updated."""

ORDERS = config["update_orders"]["orders"]
TARGETS = [  # the parts of table moving_target
    f"{network}-{depth}"
    for network in config["moving_target"]["networks"]
    for depth in config["moving_target"]["depths"]
]


def settings_without(section, *keys):
    """A section's settings but for those that make up its jobs."""
    return {key: value for key, value in config[section].items() if key not in keys}


rule measure_moving_target:
    input:
        DATASET_FILES,
        sources=sources("data.load", "experiments.moving_target", "tables"),
    output:
        table=f"{RESULTS}/tables/parts/moving_target/{{network}}-{{depth}}.csv",
    log:
        f"{RESULTS}/logs/measure_moving_target/{{network}}-{{depth}}.log",
    benchmark:
        f"{RESULTS}/costs/measure_moving_target/{{network}}-{{depth}}.tsv"
    threads: 1
    params:
        dataset=config["dataset"],
        settings=settings_without("moving_target", "networks", "depths"),
    message:
        "Measuring how far the target moves in {wildcards.network}, depth {wildcards.depth}"
    script:
        "../scripts/measure_moving_target.py"


rule train_update_order:
    input:
        DATASET_FILES,
        sources=sources("data.load", "experiments.update_orders", "tables"),
    output:
        table=f"{RESULTS}/tables/parts/update_orders/{{order}}.csv",
    log:
        f"{RESULTS}/logs/train_update_order/{{order}}.log",
    benchmark:
        f"{RESULTS}/costs/train_update_order/{{order}}.tsv"
    wildcard_constraints:
        order="|".join(ORDERS),
    threads: 1
    params:
        dataset=config["dataset"],
        settings=settings_without("update_orders", "orders") | {"locoprop": config["locoprop"]},
    message:
        "Training every network in the update order {wildcards.order}"
    script:
        "../scripts/train_update_order.py"


rule time_update_orders:
    input:
        DATASET_FILES,
        sources=sources("data.load", "experiments.update_order_times", "tables"),
    output:
        table=f"{RESULTS}/tables/update_order_times.csv",
    log:
        f"{RESULTS}/logs/time_update_orders.log",
    benchmark:
        f"{RESULTS}/costs/time_update_orders.tsv"
    threads: 1
    params:
        dataset=config["dataset"],
        settings=settings_without("update_orders", "evaluation_steps", "evaluation_examples")
        | {"locoprop": config["locoprop"]}
        | config["update_order_times"],
    message:
        "Timing a step of every update order"
    script:
        "../scripts/time_update_orders.py"


rule compare_update_orders:
    input:
        orders=f"{RESULTS}/tables/update_orders.csv",
        times=f"{RESULTS}/tables/update_order_times.csv",
        sources=sources("experiments.update_order_comparison", "tables"),
    output:
        budgets=f"{RESULTS}/tables/update_order_budgets.csv",
        rates=f"{RESULTS}/tables/stable_rates.csv",
    log:
        f"{RESULTS}/logs/compare_update_orders.log",
    benchmark:
        f"{RESULTS}/costs/compare_update_orders.tsv"
    threads: 1
    message:
        "Comparing the update orders at equal budgets"
    script:
        "../scripts/compare_update_orders.py"
