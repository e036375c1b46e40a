import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from movingtarget.measures.effective_rank import effective_rank, relative_effective_rank


def random_matrix(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def rotation(seed: int, size: int) -> Tensor:
    return torch.linalg.qr(random_matrix(seed, size, size)).Q


@pytest.mark.parametrize(
    ("matrix", "rank"),
    [
        (torch.eye(5), 5),
        (torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 8)), 1),
        (rotation(0, 7)[:, :3], 3),
        (rotation(0, 7)[:3], 3),
        (torch.diag(torch.tensor([2.0, 1, 1])), 1.5),
    ],
)
def test_closed_forms(matrix: Tensor, rank: float) -> None:
    assert effective_rank(matrix).item() == pytest.approx(rank, rel=1e-12)


@given(seed=st.integers(0, 2**31), rows=st.integers(1, 9), columns=st.integers(1, 9))
def test_agrees_with_singular_values_and_stays_in_bounds(seed: int, rows: int, columns: int) -> None:
    matrices = random_matrix(seed, 2, 3, rows, columns)
    squares = torch.linalg.svdvals(matrices).square()
    rank = effective_rank(matrices)
    assert_close(rank, squares.sum(-1) / squares.amax(-1), rtol=1e-10, atol=0)
    assert (rank >= 1 - 1e-10).all()
    assert (rank <= min(rows, columns) + 1e-10).all()


@given(seed=st.integers(0, 2**31), scale=st.floats(1e-30, 1e30))
def test_scale_rotation_and_transposition_do_not_matter(seed: int, scale: float) -> None:
    matrix = random_matrix(seed, 4, 6)
    turned = rotation(seed, 4) @ (-scale * matrix) @ rotation(seed + 1, 6)
    assert_close(effective_rank(turned), effective_rank(matrix), rtol=1e-10, atol=0)
    assert_close(effective_rank(matrix.mT), effective_rank(matrix), rtol=1e-10, atol=0)


def test_zero_matrix_is_undefined() -> None:
    matrices = torch.stack([torch.zeros(3, 4), torch.ones(3, 4)])
    assert effective_rank(matrices).isnan().tolist() == [True, False]
    assert relative_effective_rank(matrices, 0, stacked=True).isnan().tolist() == [True, False]


def test_noise_is_as_high_in_rank_as_noise() -> None:
    # over 40 pairs of noises of 60 x 90 the ratio's deviation is about 0.06, its standard error 0.01
    noise = random_matrix(1, 40, 60, 90)
    ratios = [relative_effective_rank(noise[seed], seed) for seed in range(40)]
    assert torch.stack(ratios).mean().item() == pytest.approx(1, abs=0.04)


def test_relative_rank_is_one_number_times_the_rank_and_comes_from_the_seed() -> None:
    matrices = random_matrix(0, 5, 4, 6)
    relative = relative_effective_rank(matrices, 3, stacked=True)
    assert torch.equal(relative, relative_effective_rank(matrices, 3, stacked=True))
    assert not torch.allclose(relative, relative_effective_rank(matrices, 4, stacked=True))
    assert_close((effective_rank(matrices) / relative).std(), torch.tensor(0.0).double(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_undefined_for_its_matrix_only(value: float) -> None:
    matrices = random_matrix(0, 3, 8, 5)
    expected = effective_rank(matrices)
    matrices[1, 0, 0] = value
    found = effective_rank(matrices)
    assert found.isnan().tolist() == [False, True, False]
    assert torch.equal(found[::2], expected[::2])
    assert relative_effective_rank(matrices, 0, stacked=True).isnan().tolist() == [False, True, False]


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_neither_underflow_nor_overflow(scale: float) -> None:
    matrix = random_matrix(0, 4, 6)
    assert_close(effective_rank(scale * matrix), effective_rank(matrix), rtol=1e-12, atol=0)


def test_all_axes_of_gradients_but_the_first_are_columns() -> None:
    images = random_matrix(0, 3, 6, 2, 4, 4)
    whole = relative_effective_rank(images, 1, stacked=True)
    alone = [relative_effective_rank(of_member, 1) for of_member in images]
    assert_close(whole, torch.stack(alone), rtol=1e-12, atol=0)
    assert alone[0] == relative_effective_rank(images[0].flatten(1), 1)


def test_what_is_no_matrix_is_refused() -> None:
    for shape, said in {(3,): "3", (0, 4): "0x4", (2, 3, 0): "2x3x0"}.items():
        with pytest.raises(ValueError, match=f"^the matrix is {said}; allowed: rows x columns, one or"):
            effective_rank(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"^gradients are 3; allowed: members x examples x units$"):
        relative_effective_rank(torch.zeros(3), 0, stacked=True)
