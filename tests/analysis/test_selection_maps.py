"""Selections as maps and images: they show what the model chose, at the place of the patch."""

import numpy as np
import pytest
import torch

from depthkit.analysis.selection_maps import SelectionViewer
from depthkit.errors import InputError
from depthkit.models import DeiT, EViT, ToMe, ToSA
from depthkit.models.selection_maps import selection_maps

TINY = dict(img_size=96, patch_size=16, embed_dim=48, num_heads=3, num_classes=0)


def viewer(backbone, mean=(10, 20, 30), std=(50, 60, 70)) -> SelectionViewer:
    """Of a backbone whose input is the image, normalised."""

    def prepare(photo, name):
        image = torch.from_numpy(photo).permute(2, 0, 1).float()
        return ((image - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1))[None]

    return SelectionViewer(backbone.eval(), prepare, mean, std)


@pytest.mark.parametrize(("selection", "sets"), [("shared", 1), ("per_head", 3)])
def test_tosa_maps_are_those_of_the_model(selection, sets):
    model = ToSA(**TINY, depth=5, keep_rate=(0.25, 1.0), selection=selection).eval()
    maps = selection_maps(model, torch.randn(1, 3, 96, 64))
    assert list(maps) == [2, 4]
    assert maps[2].shape == (sets, 6, 4) and maps[2].dtype == bool
    assert (maps[2].sum(axis=(1, 2)) == 6).all() and maps[4].all()


@pytest.mark.parametrize("fuse", [True, False])
def test_evit_maps_hold_the_kept_patches(fuse):
    # The second rate rounds up to all the patches there are: that layer removes none.
    model = EViT(**TINY, depth=4, keep_rate=(1, 0.5, 0.99, 0.6), fuse_token=fuse).eval()
    image = torch.randn(1, 3, 96, 64)
    maps = selection_maps(model, image)
    _, kept = model.forward_features(image, return_indices=True)
    assert list(maps) == [2, 4]
    for attended, index in zip(maps.values(), kept, strict=True):
        expected = {int(i) for i in index[0] if i >= 0}
        assert attended.shape == (1, 6, 4) and set(np.flatnonzero(attended)) == expected
    assert not (maps[4] & ~maps[2]).any()


@pytest.mark.parametrize("make", [DeiT, ToMe])
def test_who_selects_no_patches_has_no_maps(make):
    with pytest.raises(InputError, match=f"{make.__name__}: selects no patches; expected a ToSA or an EViT"):
        selection_maps(make(**TINY, depth=2).eval(), torch.randn(1, 3, 96, 64))


def test_the_picture_shows_the_photo_and_dark_patches_where_the_map_says():
    model = ToSA(**TINY, depth=4, selection="shared", keep_rate=0.5)
    shown = viewer(model)
    photo = np.random.default_rng(0).integers(0, 256, (336, 448, 3), dtype=np.uint8)
    drawn = shown.draw(photo, layers=[4]).astype(int)
    attended = selection_maps(model, shown.prepare(photo, "photo"))[4][0]
    top = drawn.shape[0] - 336 - (drawn.shape[1] - 2 * 448) // 3  # a gap is below, between and at both sides
    gap = (drawn.shape[1] - 2 * 448) // 3
    seen, copy = (drawn[top : top + 336, left : left + 448] for left in (gap, 2 * gap + 448))
    np.testing.assert_array_equal(seen, photo)  # the normalisation undone, padding and size kept
    bright = attended.repeat(16, axis=0).repeat(16, axis=1)
    np.testing.assert_array_equal(copy[bright], photo[bright])
    np.testing.assert_array_equal(copy[~bright], np.rint(photo[~bright] / 4))


def test_heads_are_rows_below_their_union():
    photo = np.zeros((96, 96, 3), np.uint8)
    one = viewer(ToSA(**TINY, depth=4, selection="shared")).draw(photo, "all")
    rows = viewer(ToSA(**TINY, depth=4, selection="per_head")).draw(photo, "all")
    assert rows.shape[1:] == one.shape[1:] and rows.shape[0] == 4 * one.shape[0]


def test_default_layers_are_the_papers():
    photo = np.zeros((96, 96, 3), np.uint8)
    tosa = viewer(ToSA(**TINY, depth=12, selection="shared"))
    np.testing.assert_array_equal(tosa.draw(photo), tosa.draw(photo, [2, 6, 10]))
    other = viewer(ToSA(**TINY, depth=12, selection="shared", selective_layers=(1, 4, 7, 10)))
    np.testing.assert_array_equal(other.draw(photo), other.draw(photo, [2, 8, 11]))
    np.testing.assert_array_equal(other.draw(photo, "all"), other.draw(photo, [2, 5, 8, 11]))
    evit = viewer(EViT(**TINY, depth=12))
    np.testing.assert_array_equal(evit.draw(photo), evit.draw(photo, [4, 7, 10]))


def test_what_cannot_be_shown():
    photo = np.zeros((96, 96, 3), np.uint8)
    with pytest.raises(InputError, match="layer 3: every token goes through it; layers that leave some out: 2, 4"):
        viewer(ToSA(**TINY, depth=4)).draw(photo, [2, 3])
    with pytest.raises(InputError, match="no layer of this model leaves a token out"):
        viewer(EViT(**TINY, depth=4, keep_rate=1)).draw(photo)
    with pytest.raises(InputError, match="DeiT: attends every token"):
        viewer(DeiT(**TINY, depth=4))
