"""What `--skip-existing` takes for complete: a file with all its bytes, and no shorter one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthkit.apis.existing_results import is_complete
from depthkit.apis.result import DepthResult

OUTPUTS = ["colored", "depth", "disparity", "npy", "side_by_side", "normals", "points", "points_glb", "mesh"]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict:
    pytest.importorskip("trimesh", reason="needs trimesh: pip install 'depthkit[glb]'")
    values = np.random.default_rng(0).uniform(1, 5, (24, 32)).astype(np.float32)
    result = DepthResult(values, np.zeros((24, 32, 3), np.uint8), metadata={"model": "some"})
    return result.save(tmp_path_factory.mktemp("out"), "a", [*OUTPUTS, "tiff"]).paths


def test_every_result_is_complete(written):
    assert len(written) == 10 and all(map(is_complete, written.values()))


@settings(max_examples=60)
@given(st.data())
def test_a_shorter_file_is_not(written, data):
    kinds = [kind for kind in written if kind != "depth_tiff"]
    path = written[data.draw(st.sampled_from(kinds))]
    content = path.read_bytes()
    shorter = path.with_name(f"shorter{path.suffix}")
    shorter.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert not is_complete(shorter)


def test_what_is_not_a_file_is_not(tmp_path):
    (tmp_path / "a.png").mkdir()
    (tmp_path / "b.tiff").touch()
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY\x01\x00\x05\x00oops\n")
    assert not any(is_complete(tmp_path / name) for name in ("a.png", "b.tiff", "c.npy", "missing.png"))
