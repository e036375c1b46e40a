r"""Gradient descent on a chain of single linear units, $y = x w_1 w_2 \cdots w_l$.

One step of size eps on y itself takes $\epsilon g_i$ from every weight at once, with $g_i = y / w_i$: each
loses the share $u_i = \epsilon g_i / w_i = \epsilon y / w_i^2$ of itself. What a step promises, to first
order, is the decrease $\epsilon g^T g$ of y, as if every weight moved while the others stood still.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

RULES = ("fixed", "normalised")
ORDERS = ("simultaneous", "forward")


def step_size(weights: ArrayLike, rule: str, size: float, x: float = 1.0) -> NDArray[np.float64]:
    r"""The eps of a step: $\epsilon$ itself if fixed, $\epsilon = \delta / g^T g$ if normalised.

    A normalised step promises, to first order, to lower y by delta. It is the book's own.

    Args:
        weights: `(..., layers)`, none zero.
        rule: "fixed" or "normalised".
        size: eps or delta, above 0.
        x: the chain's input.

    Returns:
        `(...)`.

    Raises:
        ValueError: an unknown rule, a size that is not above 0, a weight or an input of zero.

    Source: Goodfellow et al. 2016, section 8.7.1.

    >>> step_size([1.0, 1.0], "fixed", 0.1).item(), step_size([1.0, 1.0], "normalised", 0.1).item()
    (0.1, 0.05)
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, not {rule!r}")
    if not size > 0:
        raise ValueError(f"size must be above 0, not {size:g}")
    given, output = _chain(weights, x)
    if rule == "fixed":
        return np.full(output.shape, size)
    squares: NDArray[np.float64] = np.square(output[..., None] / given).sum(-1)
    return size / squares


def updated_output(weights: ArrayLike, step_size: ArrayLike, x: float = 1.0) -> NDArray[np.float64]:
    r"""Output after one step, $y' = y \prod_i (1 - \epsilon y / w_i^2)$.

    Args:
        weights: `(..., layers)`, none zero.
        step_size: eps, `(...)`.
        x: the chain's input.

    Returns:
        `(...)`.

    Raises:
        ValueError: a weight or an input of zero.

    Source: Goodfellow et al. 2016, section 8.7.1.

    >>> round(updated_output([1.0, 1.0], 0.1).item(), 6)  # 0.9 x 0.9
    0.81
    """
    output, shares = _shares(weights, step_size, x)
    updated: NDArray[np.float64] = output * np.prod(1 - shares, axis=-1)
    return updated


def orders(weights: ArrayLike, step_size: ArrayLike, x: float = 1.0) -> NDArray[np.float64]:
    r"""The terms of the output after one step by their order in eps, $(-\epsilon)^k y^{k+1} e_k$.

    $$ y' = \sum_{k=0}^l (-\epsilon)^k y^{k+1} e_k(1 / w_1^2, \ldots, 1 / w_l^2) $$

    Term 0 is y, term 1 the promised decrease, and the others what layers do by moving together. The
    elementary symmetric polynomials $e_k$ are coefficients of $\prod_i (1 + z / w_i^2)$, multiplied out one
    factor at a time: of summands of one sign, so that nothing cancels.

    Args:
        weights: `(..., layers)`, none zero.
        step_size: eps, `(...)`.
        x: the chain's input.

    Returns:
        `(..., layers + 1)`.

    Raises:
        ValueError: a weight or an input of zero.

    Source: Goodfellow et al. 2016, section 8.7.1, which names one of the terms of second order.

    >>> orders([1.0, 1.0], 0.1).round(6).tolist()  # 1 - 0.2 + 0.01
    [1.0, -0.2, 0.01]
    """
    output, shares = _shares(weights, step_size, x)
    terms = np.zeros((*shares.shape[:-1], shares.shape[-1] + 1))
    terms[..., 0] = output
    for share in np.moveaxis(shares, -1, 0):
        terms[..., 1:] -= share[..., None] * terms[..., :-1]
    return terms


def kept(weights: ArrayLike, step_size: ArrayLike, x: float = 1.0) -> NDArray[np.float64]:
    r"""Actual decrease of the output in one step, as a share of the decrease promised to first order.

    $$ \frac{y - y'}{\epsilon g^T g} = \frac{1 - \prod_i (1 - u_i)}{\sum_i u_i}
       = \frac{\sum_i u_i \prod_{j<i} (1 - u_j)}{\sum_i u_i} $$

    The last form is the one computed, as small shares do not cancel in it: every layer keeps its promise
    but for what the layers before it have taken from y already. Below 0 the step raises y.

    Args:
        weights: `(..., layers)`, none zero.
        step_size: eps, `(...)`, above 0.
        x: the chain's input.

    Returns:
        `(...)`.

    Raises:
        ValueError: a weight or an input of zero.

    Source: derived here from Goodfellow et al. 2016, section 8.7.1.

    >>> round(kept([1.0, 1.0], 0.1).item(), 6)  # 0.19 of the 0.2 promised
    0.95
    """
    _, shares = _shares(weights, step_size, x)
    left = np.cumprod(1 - shares[..., :-1], axis=-1)
    left = np.concatenate([np.ones_like(shares[..., :1]), left], axis=-1)
    share: NDArray[np.float64] = (shares * left).sum(-1) / shares.sum(-1)
    return share


def kept_equal(layers: int, share: ArrayLike) -> NDArray[np.float64]:
    r"""The share kept by a chain of equal weights w that lose a share $u = \epsilon y / w^2$ each.

    $$ \frac{1 - (1 - u)^l}{l u} = \frac1l \sum_{k=0}^{l-1} (1 - u)^k $$

    The sum is what is computed: it is also right at u = 0.

    Args:
        layers: l, at least 1.
        share: u, any shape.

    Returns:
        Of the shape of `share`.

    Raises:
        ValueError: no layer.

    Source: derived here from Goodfellow et al. 2016, section 8.7.1.

    >>> kept_equal(2, [0.0, 0.1, 1.0]).round(6).tolist()
    [1.0, 0.95, 0.5]
    """
    if layers < 1:
        raise ValueError(f"layers must be at least 1, not {layers}")
    powers = (1 - np.asarray(share, dtype=float)[..., None]) ** np.arange(layers)
    mean: NDArray[np.float64] = powers.mean(-1)
    return mean


def sweep_factor(weights: ArrayLike, learning_rate: ArrayLike, order: str) -> NDArray[np.float64]:
    r"""What one sweep over the layers multiplies a small error of the output by.

    Of the loss $(\prod_i w_i - t)^2 / 2$ near a minimum, whose Hessian is $g g^T$ with $g_i = t / w_i$:

    $$ 1 - \eta \sum_i g_i^2 \text{ (simultaneous)}, \quad \prod_i (1 - \eta g_i^2) \text{ (forward)} $$

    Forward sweeps compute the gradient again for each layer. As y is linear in every single weight, each of
    their factors is exact at any distance from the minimum, with the gradient of that moment; a simultaneous
    one is exact to first order in the error. A minimum is stable if its factor lies between -1 and 1; along
    the other l - 1 directions the loss does not change.

    Args:
        weights: `(..., layers)` at the minimum, none zero; t is their product.
        learning_rate: eta, `(...)`.
        order: "simultaneous" or "forward".

    Returns:
        `(...)`.

    Raises:
        ValueError: an unknown order, or a weight of zero.

    Source: derived here; the forward sweep is the method of Gauss and Seidel.

    >>> sweep_factor([1.0, 1.0], 0.5, "simultaneous").item()  # 1 - 2 x 0.5
    0.0
    >>> sweep_factor([1.0, 1.0], 0.5, "forward").item()  # 0.5 x 0.5
    0.25
    """
    _check_order(order)
    given, output = _chain(weights, 1.0)
    steps = np.asarray(learning_rate)[..., None] * np.square(output[..., None] / given)
    factor: NDArray[np.float64] = (
        1 - steps.sum(-1) if order == "simultaneous" else np.prod(1 - steps, axis=-1)
    )
    return factor


def stability_limit(layers: ArrayLike, order: str) -> NDArray[np.float64]:
    r"""The least learning rate at which the minimum w_i = 1 of $(\prod_i w_i - 1)^2 / 2$ is not stable.

    $$ \eta = 2 / l \text{ (simultaneous)}, \quad \eta = 2 \text{ (forward)} $$

    Both are exact: `sweep_factor` is 1 - l eta and (1 - eta)^l there. No minimum of this loss with positive
    weights is stable at a higher rate for simultaneous updates, as its sum of squares is at least l. Forward
    sweeps have others that are: beyond 2 they leave this one, and may settle where weights are unequal.

    Args:
        layers: l, at least 1; any shape.
        order: "simultaneous" or "forward".

    Returns:
        Of the shape of `layers`.

    Raises:
        ValueError: an unknown order, or no layer.

    Source: derived here.

    >>> stability_limit([1, 2, 4], "simultaneous").tolist()
    [2.0, 1.0, 0.5]
    >>> stability_limit([1, 2, 4], "forward").tolist()
    [2.0, 2.0, 2.0]
    """
    _check_order(order)
    counts = np.asarray(layers, dtype=float)
    few = counts[~(counts >= 1)]
    if few.size:
        raise ValueError(f"layers must be at least 1, not {few[0]:g}")
    return 2 / counts if order == "simultaneous" else np.full(counts.shape, 2.0)


def _chain(weights: ArrayLike, x: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights `(..., layers)` and the output `(...)`, neither zero."""
    given = np.asarray(weights, dtype=float)
    if not given.all():
        raise ValueError("a weight is 0; allowed: weights other than 0")
    if not x:
        raise ValueError("x is 0; allowed: an input other than 0")
    return given, x * np.prod(given, axis=-1)


def _shares(
    weights: ArrayLike, step_size: ArrayLike, x: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The output `(...)`, and the shares `(..., layers)` of themselves that weights lose in one step."""
    given, output = _chain(weights, x)
    steps = np.asarray(step_size) * output
    shares: NDArray[np.float64] = steps[..., None] / np.square(given)
    return output, shares


def _check_order(order: str) -> None:
    if order not in ORDERS:
        raise ValueError(f"order must be one of {', '.join(ORDERS)}, not {order!r}")
