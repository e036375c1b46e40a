"""What training has cost in time."""

import pandas as pd

ARM = ["network", "order"]


def with_seconds(update_orders: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """Table update_orders with a column seconds: steps done, times the mean time of a step of the arm.

    Raises KeyError for an arm that has not been timed.

    >>> arm = {"network": "plain", "order": "forward"}
    >>> times = pd.DataFrame({**arm, "seconds": [0.1, 0.3]}, index=[0, 1])
    >>> with_seconds(pd.DataFrame({**arm, "step": [0, 10]}), times)["seconds"].tolist()
    [0.0, 2.0]
    """
    of_a_step = times.groupby(ARM)["seconds"].mean()
    arms = pd.MultiIndex.from_frame(update_orders[ARM])
    return update_orders.assign(seconds=update_orders["step"] * of_a_step.loc[arms].to_numpy())
