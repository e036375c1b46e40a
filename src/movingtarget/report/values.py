"""The values that the report's placeholders stand for, computed from a run's tables."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.data.catalogue import DATASETS
from movingtarget.families import FAMILIES
from movingtarget.faults import FAULTS
from movingtarget.report import prose
from movingtarget.report.early_steps import early_steps_table
from movingtarget.report.fault_detection import fault_values
from movingtarget.report.first_layers import first_layers_values, named_classes
from movingtarget.report.information import READINGS, information_values
from movingtarget.report.locoprop import flip, locoprop_values
from movingtarget.report.moving_target import counter_example, edges, orders_table, promises_table
from movingtarget.report.remedies import fine_tuning_table, large_batch_table, remedies_table, untrained
from movingtarget.report.sentences import records, sentences
from movingtarget.report.shown import Run, claims_table, figure_markdown, tables_shown
from movingtarget.statistics.bootstrap import Interval, over_arms
from movingtarget.statistics.means import mean_interval, mean_of
from movingtarget.statistics.rank_correlation import partial_rank_correlation, rank_correlation
from movingtarget.statistics.rows import divide, where

ARM = ["network", "depth", "update_rule"]

DIGITS = 3
"""Of correlations that are compared."""


def report_values(tables: Mapping[str, pd.DataFrame], run: Run) -> dict[str, Any]:
    """Everything a placeholder of the report may name.

    Args:
        tables: results tables by name, claims among them.
        run: settings, version, captions and costs.
    """
    claims = tables["claims"]
    by_name = {claim["claim"]: claim for claim in records(claims)}
    depths = sorted({arm["depth"] for arm in run.config["training"]["arms"]})
    return {
        **sentences(by_name),
        "config": run.config,
        "dataset": DATASETS[run.config["dataset"]].title,
        "version": run.version,
        "command": run.command,
        "counts": counts(claims),
        "by_paper": by_paper(claims),
        "all_claims": lambda kind: claims_table(where(claims, kind=kind), run),
        "arms": arms_table(tables["training"], tables["training_search"]),
        "costs": costs_by_rule(run.costs),
        "made": run.made,
        "anew": run.anew,
        "shallow": depths[0],
        "deep": depths[-1],
        "figure": partial(figure_markdown, run=run),
        "tables_shown": tables_shown(tables, run),
        "flip": flip,
        "information": information_values(tables, run.config["mutual_information"]),
        "readings": {words: name for name, words in READINGS.items()},
        "locoprop": locoprop_values(tables),
        "edges": edges(tables["update_orders_search"]),
        "degraded": degraded(tables["degradation"], run.config["degradation"]["patience"]),
        "sigmoids_untrained": untrained(tables["remedies"], "sigmoid"),
        "healed": healed(tables["shattering_in_training"]),
        "healing": healing_table(tables["shattering_in_training"]),
        "prediction": prediction(tables["learning_speed"]),
        "orders": orders_table(tables["update_order_budgets"], tables["stable_rates"]),
        "remedies": remedies_table(tables["remedies"], tables["remedies_search"]),
        "fine_tuned": fine_tuning_table(tables["fine_tuning"], tables["fine_tuning_search"]),
        "large_batches": large_batch_table(tables["large_batch"], tables["large_batch_search"]),
        "first_layers": first_layers_values(
            tables["first_layers"], tables["first_layers_search"], tables["layer_alone"]
        ),
        "pair": named_classes(DATASETS[run.config["dataset"]], run.config["two_classes"]["classes"]),
        "counter_example": counter_example(),
        "promises": promises_table(tables["moving_target"], tables["moving_target_search"]),
        "early_steps": early_steps_table(tables["early_steps"], tables["early_steps_search"]),
        "faults": fault_values(tables),
        "of_faults": {fault.title: f"probe-finds-{name}" for name, fault in FAULTS.items()},
        "mean": lambda table, **conditions: prose.interval(*mean_of(tables[table], **conditions)),
    }


def arms_table(training: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row for each arm at its own best learning rate: final scores, diverged members, cost.

    Args:
        training: table training.
        search: table training_search.

    Returns:
        Columns network, depth, update_rule, learning_rate (as text), train_loss and test_accuracy (as text,
        with intervals), diverged (of tested members), gradient_evaluations and flops (of one member).
    """
    edges = divide(search[search["place"] == "best at an edge"], *ARM)
    return pd.DataFrame([_arm_row(arm, rows, arm in edges) for arm, rows in divide(training, *ARM).items()])


def _arm_row(arm: tuple[Any, ...], rows: pd.DataFrame, at_edge: bool) -> dict[str, Any]:
    last = rows[rows["step"] == rows["step"].max()]
    loss = mean_of(last, quantity="train_loss")
    accuracy = Interval(*(100 * end for end in mean_of(last, quantity="test_accuracy")))
    diverged = last.loc[last["quantity"] == "diverged", "value"]
    return {
        **dict(zip(ARM, arm, strict=True)),
        "network": FAMILIES[arm[0]].title,
        "learning_rate": f"{last['learning_rate'].iloc[0]:.3g}" + (" (at an edge)" if at_edge else ""),
        "train_loss": prose.interval(*loss),
        "test_accuracy": prose.interval(*accuracy),
        "diverged": f"{int(diverged.sum())} of {len(diverged)}",
        "gradient_evaluations": int(last["gradient_evaluations"].iloc[0]),
        "flops": float(last["flops"].iloc[0]),
    }


def healing_table(shattering: pd.DataFrame) -> pd.DataFrame:
    """Correlation and norm of input gradients at the first and the last step, a row for each arm, as text."""
    rows = [
        {"network": FAMILIES[network].title, "depth": depth} | _first_and_last(arm)
        for (network, depth), arm in divide(shattering, "network", "depth").items()
    ]
    return pd.DataFrame(rows)


def healed(shattering: pd.DataFrame) -> str:
    """Of how many arms gradients are more alike at the last step than at the first, in words.

    That is so if the whole 95 % interval over seeds lies above zero, by more than rounding.
    """
    correlations = where(shattering, quantity="correlation")
    members = correlations.pivot(index=["network", "depth", "seed"], columns="step", values="value")
    rises = (members[members.columns.max()] - members[members.columns.min()]).round(DIGITS)
    lows = [mean_interval(rise).low for _, rise in rises.groupby(["network", "depth"])]
    return f"{sum(low > 0 for low in lows)} of {len(lows)}"


def degraded(degradation: pd.DataFrame, patience: int) -> dict[str, Any]:
    """Networks whose lowest error fell within the last epochs, and whether residual ones err no more.

    Args:
        degradation: table degradation.
        patience: so many epochs.

    Returns:
        cut_short, such networks in words, and residual_fits.
    """
    lowest = where(degradation, quantity="lowest_error")
    cut_short = []
    for (network, depth), rows in divide(lowest, "network", "depth").items():
        errors = rows.pivot(index="step", columns="seed", values="value")
        before, last = errors.iloc[-1 - min(patience, len(errors) - 1)], errors.iloc[-1]
        if (last < before).any() and (last > 0).any():
            cut_short.append(f"{FAMILIES[network].title} at {depth} layers")
    residual = where(lowest, network="residual")
    ends = residual[residual["step"] == residual.groupby("depth")["step"].transform("max")]
    return {"cut_short": cut_short, "residual_fits": bool(len(ends)) and bool((ends["value"] == 0).all())}


def _first_and_last(arm: pd.DataFrame) -> dict[str, str]:
    steps = {"first": arm["step"].min(), "last": arm["step"].max()}
    correlations = {when: mean_of(arm, step=step, quantity="correlation") for when, step in steps.items()}
    norms = {when: mean_of(arm, step=step, quantity="gradient_norm") for when, step in steps.items()}
    return {when: prose.interval(*value) for when, value in correlations.items()} | {
        f"norm_{when}": prose.number(value.estimate, 2) for when, value in norms.items()
    }


def prediction(speed: pd.DataFrame) -> dict[str, Any]:
    """How far gradients at initialisation order the arms of a ladder by their steps to a threshold.

    Args:
        speed: table learning_speed.

    Returns:
        Rank correlations over arms with the steps, as text with a 95 % bootstrap interval over arms: of the
        gradients' correlation and norm, each also with the other partialled out; the number of arms, and of
        those that reached the threshold with every seed; whether the interval of the first partial one
        leaves out zero.
    """
    arms = speed.groupby(["network", "depth"])[["correlation", "gradient_norm", "steps"]].mean()
    correlation, norm, steps = arms.to_numpy().T
    given_norm = over_arms(partial_rank_correlation, correlation, steps, norm)
    intervals = {
        "correlation": over_arms(rank_correlation, correlation, steps),
        "norm": over_arms(rank_correlation, norm, steps),
        "correlation_given_norm": given_norm,
        "norm_given_correlation": over_arms(partial_rank_correlation, norm, steps, correlation),
    }
    return {
        **{name: prose.interval(*interval) for name, interval in intervals.items()},
        "arms": len(arms),
        "reached": int(np.isfinite(steps).sum()),
        "excludes_zero": given_norm.low > 0 or given_norm.high < 0,
    }


def costs_by_rule(costs: pd.DataFrame) -> pd.DataFrame:
    """What each rule cost: jobs, summed seconds, the largest job's memory in MiB.

    Args:
        costs: a row for each job, with its rule, seconds and memory.
    """
    by_rule = costs.groupby("rule", sort=False)
    return by_rule.agg(
        jobs=("seconds", "size"),
        seconds=("seconds", "sum"),
        memory=("memory", "max"),
    ).reset_index()


def counts(claims: pd.DataFrame) -> dict[str, int]:
    """Claims of papers by verdict, in all, and the papers; tests of our own, and their questions."""
    of_papers, of_questions = where(claims, kind="paper"), where(claims, kind="question")
    verdicts = {verdict: len(where(of_papers, verdict=verdict)) for verdict in prose.VERDICTS}
    return verdicts | {
        "claims": len(of_papers),
        "papers": of_papers["paper"].nunique(),
        "tests": len(of_questions),
        "questions": of_questions["question"].nunique(),
    }


def by_paper(claims: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each paper have each verdict, papers in the order in which they are registered.

    Returns:
        Columns paper (a citation) and one for each verdict.
    """
    of_papers = where(claims, kind="paper")
    return pd.DataFrame(
        {"paper": f"@{paper}"} | {verdict: len(where(rows, verdict=verdict)) for verdict in prose.VERDICTS}
        for paper, rows in divide(of_papers, "paper").items()
    )
