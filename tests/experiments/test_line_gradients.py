"""Random networks on a line."""

import numpy as np
import torch

from movingtarget.experiments.line_gradients import (
    autocorrelation_rows,
    gradient_rows,
    line,
    line_gradients,
    noise_rows,
    random_network,
)

CENTRED = {"network": "feedforward", "normalisation": "centred"}
RESIDUAL = {"network": "residual", "normalisation": "batch-norm", "beta": 0.1}


def test_slopes_of_a_plain_network_are_its_differences():
    description = {"network": "feedforward", "normalisation": "none"}
    inputs = line(5, 1.0)
    slopes = line_gradients(description, 3, 10, [4], inputs)[0]
    network = random_network(**description, beta=float("nan"), depth=3, width=10, seed=4).double()
    step = 1e-6
    with torch.no_grad():
        shifted = network(inputs.double() + step) - network(inputs.double() - step)
    torch.testing.assert_close(slopes.double(), shifted[:, 0] / (2 * step), rtol=1e-4, atol=1e-4)


def test_seeds_are_independent_of_the_others_they_run_with():
    together = line_gradients(RESIDUAL, 4, 12, [1, 2], line(16, 2.0))
    alone = line_gradients(RESIDUAL, 4, 12, [2], line(16, 2.0))
    torch.testing.assert_close(together[1], alone[0], rtol=1e-4, atol=1e-5)


def test_tables_have_a_row_for_each_network_depth_seed_and_lag():
    table = autocorrelation_rows([CENTRED, RESIDUAL], [2, 3], 10, [0, 1], 16, 2.0, lags=4)
    assert len(table) == 2 * 2 * 2 * 5
    assert (table.loc[table["lag"] == 0, "value"] == 1).all()
    assert table.loc[table["network"] == "feedforward", "beta"].isna().all()
    drawn = gradient_rows([CENTRED | {"depth": 2}], 10, 0, 16, 2.0)
    np.testing.assert_allclose(drawn["input"], np.linspace(-2, 2, 16), atol=1e-6)


def test_rulers_are_white_and_brown():
    # 200 series of 256 points: the mean at lag 1 has a standard error below 0.005
    means = noise_rows(range(200), 256, 1).groupby(["noise", "lag"])["value"].mean()
    assert abs(means["white", 1] + 1 / 256) < 0.015
    assert means["brown", 1] > 0.95
