"""Token maps: bypassed patches dark, attended ones untouched."""

import numpy as np
import pytest
import torch

from depthkit.errors import InputError
from depthkit.models import ToSA
from depthkit.visualization import darken_bypassed, draw_token_maps


def test_attended_patches_stay_and_the_others_get_a_quarter():
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    attended = np.array([[True, False, True], [False, False, True]])
    shown = darken_bypassed(image, attended)
    for row in range(2):
        for column in range(3):
            patch = np.s_[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
            expected = image[patch] if attended[row, column] else np.rint(image[patch] / 4)
            np.testing.assert_array_equal(shown[patch], expected)


def test_a_picture_that_the_grid_does_not_divide():
    image = np.full((33, 50, 3), 200, np.uint8)
    shown = darken_bypassed(image, np.eye(2, dtype=bool))
    assert set(np.unique(shown)) == {50, 200}
    assert (shown[0, 0] == 200).all() and (shown[-1, -1] == 200).all() and (shown[0, -1] == 50).all()


def test_maps_of_a_real_model():
    model = ToSA(img_size=(64, 96), patch_size=16, embed_dim=48, depth=4, num_heads=3, keep_rate=0.5).eval()
    with torch.no_grad():
        _, selection = model.forward_features(torch.rand(1, 3, 64, 96), return_selection=True)
    maps = [layer[0].any(dim=0).numpy() for layer in selection]
    assert all(grid.shape == (4, 6) for grid in maps)
    drawn = draw_token_maps(np.full((64, 96, 3), 255, np.uint8), maps, [f"layer {i}" for i in range(len(maps))])
    assert drawn.dtype == np.uint8 and drawn.shape[1] > 96 * (1 + len(maps))


@pytest.mark.parametrize(
    ("attended", "message"),
    [
        (np.ones((2, 2)), "expected a boolean"),
        (np.ones((3, 2, 2), bool), "expected a boolean"),
        (np.ones((99, 2), bool), "does not fit"),
    ],
)
def test_bad_maps(attended, message):
    with pytest.raises(InputError, match=message):
        darken_bypassed(np.zeros((32, 32, 3), np.uint8), attended)
