"""The published files themselves: what the hub has, and the numbers that transformers' own tests expect of them.

They need a network and 6 GB of downloads, and run with it: ``pytest -m hub``. The values are those of ``predicted_depth
[0, :3, :3]`` in the tests (V1, DPT) and in the conversion script (V2) of transformers 5.23, for an image of COCO.
Those of the script were made when transformers had the authors' offset in the position table (0.02 % apart).
"""

import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.utils.io import read_rgb
from depthkit.zoo.download import _ask_hub
from depthkit.zoo.table import MODELS, find_model

pytestmark = pytest.mark.hub

IMAGE = "http://images.cocodataset.org/val2017/000000039769.jpg"
V2 = "depth-anything-v2"
TOLERANCE = 2e-4  # relative: four printed decimals and other hardware
EXPECTED = {
    "depth-anything-v1-small": [8.8223, 8.6483, 8.6216, 8.3332, 8.6047, 8.7545, 8.6547, 8.6885, 8.7472],
    f"{V2}-small": [2.6751, 2.6211, 2.6571, 2.5820, 2.6138, 2.6271, 2.6160, 2.6141, 2.6306],
    f"{V2}-base": [4.3576, 4.3723, 4.3908, 4.3231, 4.3146, 4.3611, 4.3016, 4.3170, 4.3121],
    f"{V2}-large": [162.2751, 161.8504, 162.8788, 160.3138, 160.8050, 161.9835, 159.3812, 159.9884, 160.0768],
    f"{V2}-metric-indoor-small": [1.3349, 1.2946, 1.2801, 1.2793, 1.2337, 1.2899, 1.2629, 1.2218, 1.2476],
    f"{V2}-metric-indoor-base": [1.4601, 1.3824, 1.4904, 1.5031, 1.4349, 1.4274, 1.4570, 1.4578, 1.4200],
    f"{V2}-metric-indoor-large": [1.5040, 1.5019, 1.5218, 1.5087, 1.5195, 1.5149, 1.5437, 1.5128, 1.5252],
    f"{V2}-metric-outdoor-small": [9.5804, 8.0339, 7.7386, 7.9890, 7.2464, 7.7149, 7.7021, 7.2330, 7.3304],
    f"{V2}-metric-outdoor-base": [10.2916, 9.0933, 8.8622, 9.1964, 9.3393, 9.0644, 8.9618, 9.4201, 9.2262],
    f"{V2}-metric-outdoor-large": [14.0137, 13.3627, 13.1080, 13.2522, 13.3943, 13.3705, 13.0581, 13.4505, 13.3925],
    "dpt-large": [6.3199, 6.3629, 6.4148, 6.3850, 6.3615, 6.4166, 6.3519, 6.3176, 6.3575],
}


@pytest.fixture(scope="session", autouse=True)
def network() -> None:
    """Skip everything here without a network; finding out takes 3 s at most, once."""
    try:
        _ask_hub(find_model(f"{V2}-small"))
    except InputError as error:
        pytest.skip(f"needs the hub of models: {error}")


@pytest.fixture(scope="session")
def cats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cats on a sofa, image 39769 of COCO's val2017."""
    path = tmp_path_factory.mktemp("coco") / "cats.jpg"
    try:
        with urllib.request.urlopen(IMAGE, timeout=4) as answer:
            path.write_bytes(answer.read())
    except OSError as error:
        pytest.skip(f"needs {IMAGE}: {error}")
    return path


@pytest.mark.parametrize("name", list(MODELS))
def test_the_hub_has_what_the_table_says(name: str) -> None:
    model = find_model(name)
    known = _ask_hub(model)
    assert model.size in (None, known.size) and model.sha256 in (None, known.etag)
    assert model.revision in (None, known.commit_hash)


@pytest.mark.parametrize("name", EXPECTED)
def test_known_numbers(name: str, cats: Path) -> None:
    predictor = DepthPredictor.from_pretrained(name, preprocessing="transformers", device="cpu")
    if name.startswith(V2):
        predictor.model.backbone.position_resampling = "dinov2"
    inputs = predictor.preprocess(read_rgb(cats))["inputs"]
    assert inputs.shape[-2:] == ((384, 384) if name == "dpt-large" else (518, 686))
    with torch.inference_mode():
        found = predictor.model(inputs)[0, 0, :3, :3]
    np.testing.assert_allclose(found.flatten().numpy(), EXPECTED[name], rtol=TOLERANCE)
