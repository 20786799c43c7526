import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.models.layers.neighbours import even_pattern, follow_neighbours, neighbour_weights

CPU = torch.device("cpu")


def first(grid: tuple[int, int], count: int) -> torch.Tensor:
    """Which patches are the first `count` of the pattern, (h, w)."""
    mask = torch.zeros(grid[0] * grid[1], dtype=torch.bool)
    mask[even_pattern(grid, CPU).argsort(descending=True)[:count]] = True
    return mask.reshape(grid)


def test_a_quarter_and_a_half_by_hand():
    quarter = [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    chessboard = [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]]
    assert torch.equal(first((4, 4), 4), torch.tensor(quarter).bool())
    assert torch.equal(first((4, 4), 8), torch.tensor(chessboard).bool())
    assert torch.equal(first((16, 16), 4), first((16, 16), 4).roll((8, 8), (0, 1)))  # one in each 8x8


@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_all_ranks_are_positive_and_different(height, width):
    scores = even_pattern((height, width), CPU)
    assert scores.shape == (height * width,) and scores.min() > 0
    assert len(scores.unique()) == len(scores)


@given(
    height=st.integers(1, 12).map(lambda half: 2 * half),
    width=st.integers(1, 12).map(lambda half: 2 * half),
    rate=st.floats(0.25, 1),
)
def test_from_a_quarter_on_every_patch_of_a_grid_with_even_sides_has_a_neighbour_that_attends(height, width, rate):
    attended = first((height, width), round(rate * height * width)).float()
    assert torch.nn.functional.max_pool2d(attended[None], 3, stride=1, padding=1).min() == 1


def follow(before: torch.Tensor, after: torch.Tensor, index: torch.Tensor, grid: tuple[int, int], similar: bool):
    return follow_neighbours(before, after, neighbour_weights(before, index, grid, similar))


def plain(before: torch.Tensor, after: torch.Tensor, mask: torch.Tensor, similar: bool) -> torch.Tensor:
    """Of one image with one prefix token, patch by patch."""
    out, (height, width) = after.clone(), mask.shape
    centred = before[1:] - before[1:].mean(0)
    for row in range(height):
        for column in range(width):
            if mask[row, column]:
                continue
            total, weights = torch.zeros(before.shape[1], dtype=before.dtype), 0.0
            for y in range(max(0, row - 1), min(height, row + 2)):
                for x in range(max(0, column - 1), min(width, column + 2)):
                    if mask[y, x]:
                        exponent = -torch.tensor(abs(y - row) + abs(x - column), dtype=before.dtype)
                        if similar:
                            ours, other = centred[row * width + column], centred[y * width + x]
                            exponent += 10 * torch.cosine_similarity(ours, other, dim=0, eps=1e-24)
                        weight = exponent.exp()
                        total += weight * (after - before)[1 + y * width + x]
                        weights += weight
            if weights:
                out[1 + row * width + column] += total / weights
    return out


@given(data=st.data(), height=st.integers(1, 6), width=st.integers(1, 6), similar=st.booleans())
def test_each_patch_that_skipped_moves_as_its_neighbours_on_average(data, height, width, similar):
    count = height * width
    masks = data.draw(st.lists(st.lists(st.booleans(), min_size=count, max_size=count), min_size=1, max_size=2))
    kept = min(sum(mask) for mask in masks)  # as many in each image
    attending = ([1 + i for i, one in enumerate(mask) if one] for mask in masks)
    index = torch.tensor([[0, *patches[:kept]] for patches in attending])
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    before = torch.randn(len(masks), 1 + count, 3, generator=generator, dtype=torch.float64)
    attends = torch.zeros(len(masks), 1 + count, dtype=torch.bool).scatter(1, index, True)
    after = torch.where(attends[..., None], before + torch.randn(before.shape, generator=generator).double(), before)
    result = follow(before, after, index, (height, width), similar)
    assert torch.equal(result[attends], after[attends])
    for image, mask in enumerate(attends[:, 1:]):
        expected = plain(before[image], after[image], mask.reshape(height, width), similar)
        torch.testing.assert_close(result[image], expected)


@pytest.mark.parametrize("similar", [False, True])
def test_who_attended_is_what_the_layer_made_also_where_sums_overflow(similar):
    before, after = torch.zeros(1, 5, 1), torch.tensor([[[0.0], [torch.inf], [1.0], [0.0], [0.0]]])
    moved = follow(before, after, torch.tensor([[0, 1, 2]]), (1, 4), similar)[0, :, 0]
    assert torch.equal(moved[:3], after[0, :3, 0]) and moved[3] == 1 and moved[4] == 0


@pytest.mark.parametrize("similar", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_where_all_move_alike_the_others_do_too_and_who_has_no_neighbour_stays(dtype, similar):
    before = torch.zeros(1, 1 + 30, 2, dtype=dtype)
    index = torch.tensor([[0, 1 + 8]])  # row 1, column 2 of 5 x 6
    after = before.index_fill(1, index[0], 2.0)
    moved = follow(before, after, index, (5, 6), similar)[0, 1:, 0].reshape(5, 6)
    assert moved.dtype == dtype
    assert (moved[:3, 1:4] == 2).all() and moved.count_nonzero() == 9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_patch_moves_as_the_neighbour_on_its_own_side_of_an_edge(dtype):
    """Two surfaces, left and right of an edge: by place alone a patch beside it would move as their mean."""
    middle = torch.tensor([[[1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]]).to(dtype)  # the two outer ones attend
    after = middle.clone()
    after[0, 0] += 1
    after[0, 2] += 3
    index = torch.tensor([[0, 2]])
    assert (follow(middle, after, index, (1, 3), similar=False) - middle)[0, 1, 0] == 2
    assert abs((follow(middle, after, index, (1, 3), similar=True) - middle)[0, 1, 0] - 1) < 1e-3


@pytest.mark.parametrize("similar", [False, True])
def test_a_patch_that_overflows_spoils_its_neighbours_only(similar):
    before = torch.randn(1, 1 + 36, 4, generator=torch.Generator().manual_seed(0))
    attended = even_pattern((6, 6), CPU).topk(18).indices.sort().values
    index = torch.cat([torch.tensor([0]), 1 + attended])[None]
    expected = follow(before, before.index_add(1, index[0], torch.ones(1, 19, 4)), index, (6, 6), similar)
    before[0, 1 + attended[0]] = torch.inf
    after = before.index_add(1, index[0], torch.ones(1, 19, 4))
    result = follow(before, after, index, (6, 6), similar)
    finite = result.isfinite().all(dim=2)
    assert (~finite).sum() == 3  # in the corner, and the two beside it
    torch.testing.assert_close(result[finite], expected[finite])
