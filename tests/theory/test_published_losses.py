"""Published losses of the deep autoencoder."""

import pytest

from movingtarget.methods import METHODS
from movingtarget.theory.published_losses import ENTROPY, PUBLISHED


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: run.title)
def test_losses_fall_with_epochs_to_above_the_entropy(run) -> None:
    epochs, losses = [*run.losses], [*run.losses.values()]
    assert epochs == sorted(epochs)
    assert losses == sorted(losses, reverse=True)
    assert run.test_loss > losses[-1] > ENTROPY


def test_those_who_train_by_a_method_of_ours_bear_its_name() -> None:
    titles = {run.title.partition(",")[0] for run in PUBLISHED if run.method in METHODS}
    assert titles == {METHODS[name].title for name in ("momentum", "adam", "shampoo", "k-fac")}
    assert len({run.title for run in PUBLISHED}) == len(PUBLISHED)


def test_the_two_runs_of_k_fac_differ_more_than_methods_of_one_notebook() -> None:
    """As the report says: after 50 epochs, than Shampoo, K-FAC and TNT in the notebook of TNT."""
    first, second = (run.losses[50] for run in PUBLISHED if run.method == "k-fac")
    together = [run.losses[50] for run in PUBLISHED if run.every == 20]
    assert len(together) == 3
    assert first - second == pytest.approx(5.88)
    assert first - second > max(together) - min(together)
