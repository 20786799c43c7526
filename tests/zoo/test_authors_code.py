"""Published models against the code of their authors itself, as it stands on PyPI; with random weights, float32.

That code has dependencies which these tests do not need, so it is installed by hand, and without it they are skipped:

    pip install --no-deps jkp-depth-anything-v2==0.1.1 depth-anything-3==0.1.1
    pip install --no-deps addict omegaconf einops antlr4-python3-runtime==4.9.3
    python -m pytest tests/zoo/test_authors_code.py -s

It prints the largest differences. The first is a copy of DepthAnything/Depth-Anything-V2, the second the authors' own.
"""

import cv2
import numpy as np
import pytest
import torch
from matplotlib import cbook

from depthkit import DepthPredictor, create_model
from plain_depth_models import random_weights

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4  # of the largest value of the output
WIDTHS = {
    "small": ("vits", 64, [48, 96, 192, 384]),
    "base": ("vitb", 128, [96, 192, 384, 768]),
    "large": ("vitl", 256, [256, 512, 1024, 1024]),
}


def check(label, found, expected):
    scale, difference = np.abs(expected).max(), np.abs(found - expected).max()
    print(f"\n{label}: largest difference {difference:.2g}, {difference / scale:.2g} of the largest value", end="")
    assert found.shape == expected.shape and expected.std() > 0.05 * scale
    assert difference <= TOLERANCE * scale


def fill(model, lift=0.1):
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict(random_weights(shapes, lift))
    return model.eval()


def depth_anything_2(size):
    code = pytest.importorskip("depth_anything_v2.dpt", reason="needs jkp-depth-anything-v2, see above")
    encoder, features, widths = WIDTHS[size]
    return fill(code.DepthAnythingV2(encoder=encoder, features=features, out_channels=widths))


@pytest.mark.parametrize(
    ("size", "shape"), [("small", (518, 686)), ("small", (252, 336)), ("base", (84, 112)), ("large", (84, 112))]
)
@torch.no_grad()
def test_depth_anything_2(size, shape, tmp_path):
    theirs, images = depth_anything_2(size), torch.randn(1, 3, *shape, generator=torch.Generator().manual_seed(0))
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = create_model(f"depth-anything-v2-{size}", pretrained=tmp_path / "weights.pth")
    check(f"Depth-Anything-V2 {size} {shape}", ours(images)[:, 0].numpy(), theirs(images).numpy())


@pytest.mark.parametrize("input_size", [518, 308])
def test_the_whole_path_from_an_image(input_size, tmp_path):
    theirs, path = depth_anything_2("small"), str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    predictor = DepthPredictor.from_pretrained(
        "depth-anything-v2-small", tmp_path / "weights.pth", input_size, device="cpu"
    )
    expected = theirs.infer_image(cv2.imread(path), input_size)
    check(f"from an image at {input_size}", predictor(path).disparity, expected)


@torch.no_grad()
def test_depth_anything_3(tmp_path):
    reason = "needs depth-anything-3, see above"
    net = pytest.importorskip("depth_anything_3.model.da3", reason=reason).DepthAnything3Net
    vit = pytest.importorskip("depth_anything_3.model.dinov2.dinov2", reason=reason).DinoV2
    head = pytest.importorskip("depth_anything_3.model.dpt", reason=reason).DPT
    backbone = vit("vitl", [4, 11, 17, 23], cat_token=False)
    theirs = fill(net(backbone, head(1024, output_dim=1, features=256, out_channels=WIDTHS["large"][2])), lift=0)
    # No sky: of random scores some lie so near the limit that rounding decides. test_parity.py has the sky.
    theirs.head.scratch.sky_output_conv2[2].bias.data.fill_(-1e3)
    torch.save({f"model.{name}": value for name, value in theirs.state_dict().items()}, tmp_path / "weights.pth")
    images = torch.randn(1, 3, 84, 112, generator=torch.Generator().manual_seed(0))
    expected = theirs(images[:, None]).depth[:, 0].numpy()
    ours = create_model("da3mono-large", pretrained=tmp_path / "weights.pth")
    check("Depth-Anything-3 mono and metric", ours(images)[:, 0].numpy(), expected)
