import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.models.heads.sky import fill_sky


def image(values):
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 1, -1)


@given(st.integers(11, 300), st.integers(11, 300))
def test_the_sky_gets_the_quantile_of_the_rest(rest, sky):
    depth = torch.rand(2, 1, 1, rest + sky, generator=torch.Generator().manual_seed(rest)) * 50
    score = torch.zeros_like(depth)
    score[..., rest:] = 0.3
    filled = fill_sky(depth, score)
    assert torch.equal(filled[..., :rest], depth[..., :rest])
    for one, expected in zip(filled, depth[..., :rest], strict=True):
        far = torch.quantile(expected, 0.99)
        torch.testing.assert_close(one[..., rest:], far.expand(1, 1, sky))


def test_few_pixels_of_either_kind_change_nothing():
    depth = image(range(1, 41))
    for is_sky in ([True] * 10 + [False] * 30, [True] * 30 + [False] * 10, [True] * 40, [False] * 40):
        assert torch.equal(fill_sky(depth, image(is_sky)), depth)


def test_images_of_a_batch_do_not_touch_each_other():
    first, second = torch.rand(1, 1, 8, 8), 100 * torch.rand(1, 1, 8, 8)
    score = torch.zeros(1, 1, 8, 8)
    score[..., :4, :] = 1
    both = fill_sky(torch.cat([first, second]), torch.cat([score, score]))
    assert torch.equal(both[:1], fill_sky(first, score)) and torch.equal(both[1:], fill_sky(second, score))
