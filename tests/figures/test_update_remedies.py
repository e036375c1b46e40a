"""The figure of other targets, rates and stages."""

from movingtarget.figures.update_remedies import draw
from movingtarget.update_orders import UPDATE_ORDERS


def test_the_remedies_and_simultaneous_updates_are_drawn(update_orders):
    table = update_orders(orders=list(UPDATE_ORDERS), networks=["residual"], seeds=1)
    times = table[["network", "order"]].drop_duplicates().assign(seed=0, seconds=1.0)
    *_, steps = draw(table, times).axes
    assert sorted(text.get_text() for text in steps.texts) == [
        "LARS",
        "LocoProp-M",
        "LocoProp-S",
        "freeze in order",
        "greedy",
        "simultaneous",
        "smaller early rates",
        "smaller late rates",
    ]
