"""What the report says of the first steps: its table."""

import pandas as pd

from movingtarget.report.early_steps import early_steps_table


def test_a_row_for_each_network_and_kind_of_batch():
    rows = [
        ("promise", 1, 3.0),
        ("kept", 1, 0.1),
        ("kept", 200, 0.4),
        ("edge", 1, 5.0),
        ("edge", 30, 1.1),
        ("train_loss", 200, 0.3),
    ]
    steps = pd.DataFrame(
        [
            {
                "quantity": quantity,
                "step": step,
                "value": value * multiple,
                "seed": seed,
                "multiple": multiple,
            }
            for quantity, step, value in rows
            for seed in (0, 1, 2)
            for multiple in (1.0, 4.0)
        ]
    ).assign(network="plain", batches="minibatches", norms="free", learning_rate=0.05)
    search = pd.DataFrame({"place": ["tried", "best at an edge"], "learning_rate": [0.1, 0.05]})
    table = early_steps_table(steps, search.assign(network="plain", batches="minibatches"))
    (row,) = table.to_dict("records")
    assert row["learning_rate"] == "0.0500 (at an edge)"
    means = {name: row[name].split("\N{NO-BREAK SPACE}")[0] for name in table.columns[3:]}
    assert means == {
        "promise": "3.00",
        "kept": "0.100",
        "kept_later": "0.400",
        "edge": "5.00",
        "edge_later": "1.10",
        "train_loss": "0.300",
    }
