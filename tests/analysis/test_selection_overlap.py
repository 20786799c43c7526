import pytest
import torch

from depthkit.analysis.selection_overlap import selection_overlap
from depthkit.models import ToSA
from depthkit.utils.io import read_rgb


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ToSA(img_size=64, embed_dim=48, depth=4, num_heads=3, keep_rate=1).eval()


def test_every_row_agrees_with_itself_and_fewer_rows_less(model):
    scores = [("all", 1), ("grid", 1), ("pooled", 1), ("grid", 4)]
    found = selection_overlap(model, torch.randn(4, 3, 128, 128), 0.5, scores)
    assert list(found) == scores
    for score in scores[:3]:
        assert found[score] == [1.0, 1.0]
    assert all(0 < value < 1 for value in found["grid", 4])


def test_the_model_is_left_without_hooks(model):
    selection_overlap(model, torch.randn(1, 3, 64, 64), 0.5, [("grid", 2)])
    assert not any(block._forward_pre_hooks for block in model.blocks)


def test_pooled_rows_agree_better_than_a_grid_of_as_many_on_real_weights(deit_tiny_weights, shared_data):
    from torchvision.transforms.v2.functional import center_crop, normalize, resize

    files = sorted((shared_data / "imagenet" / "val").rglob("*.JPEG"))[::150]
    pictures = [torch.from_numpy(read_rgb(f)).permute(2, 0, 1) for f in files]
    pictures = [center_crop(resize(p, 256), 224) / 255 for p in pictures]
    images = normalize(torch.stack(pictures), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    model = ToSA(embed_dim=192, num_heads=3, keep_rate=1, pretrained=deit_tiny_weights).eval()
    found = selection_overlap(model, images, 0.5, [("grid", 4), ("pooled", 4)])
    grid, pooled = (sum(values) / len(values) for values in found.values())
    assert pooled > grid > 0.7
