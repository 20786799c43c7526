"""Images for int8, and the device that a runtime needs."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from depthkit import DepthPredictor
from depthkit.apis.network_runtime import device_of_runtime, read_calibration, set_runtime
from depthkit.errors import InputError


def test_at_most_64_images_are_read_evenly():
    images = [np.full((2, 2, 3), value, np.uint8) for value in range(128)]
    assert [int(rgb[0, 0, 0]) for rgb in read_calibration(images)] == list(range(0, 128, 2))
    assert len(list(read_calibration(images[:9]))) == 9


def test_a_folder_of_images(tmp_path):
    with pytest.raises(InputError, match="calibration: .*none"):
        list(read_calibration(tmp_path / "none"))
    for index in range(8):
        Image.new("RGB", (4, 3), (index, 0, 0)).save(tmp_path / f"{index}.png")
    assert [int(rgb[0, 0, 0]) for rgb in read_calibration(str(tmp_path))] == list(range(8))
    (tmp_path / "7.png").unlink()
    with pytest.raises(InputError, match="calibration: 7 images are too few; give 8 or more"):
        list(read_calibration(tmp_path))


def test_runtimes_for_cpus_take_the_cpu(monkeypatch):
    monkeypatch.setattr("depthkit.runtimes.names.find_spec", lambda name: name)
    assert device_of_runtime("auto", "onnx", "float32", False).type == "cpu"
    with pytest.raises(InputError, match="runtime openvino: runs on the CPU here, not on cuda"):
        device_of_runtime("cuda:1", "openvino", "float32", False)


@pytest.fixture(scope="module")
def packaged():
    """The packaged model, in bfloat16 on any CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("depthkit.runtimes.names._cpu_flags", lambda: {"avx512_bf16"})
        yield DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu", precision="bfloat16")


def test_after_an_error_a_predictor_is_as_before(packaged):
    before = repr(packaged), packaged.model, packaged.metadata, packaged.model.run_elsewhere
    assert before[3] is not None
    for wrong in (
        ("nonsense",),
        ("torch", "bfloat16", None, -1),
        ("torch", "bfloat16", None, "x"),
        ("torch", "float16"),
    ):
        with pytest.raises(InputError):
            packaged.use_runtime(*wrong)
    with pytest.raises(InputError, match="mean error"):
        packaged.use_runtime("torch", "bfloat16", max_error=1e-9)
    with pytest.raises(InputError):
        packaged.select_tokens(7.0)
    assert before == (repr(packaged), packaged.model, packaged.metadata, packaged.model.run_elsewhere)
    packaged.select_tokens(0.5)
    assert packaged.model is not before[1] and packaged.model.run_elsewhere is not before[3]


def test_a_calibration_that_is_no_images():
    with pytest.raises(InputError, match="calibration=5: expected a folder, or a list of images"):
        list(read_calibration(5))


def test_images_too_small_for_a_graph_go_through_torch(packaged, monkeypatch, capsys):
    ran = []

    def network(images):
        ran.append(images.shape)
        return (images[:, :1],)

    monkeypatch.setattr("depthkit.runtimes.choice.choose_network", lambda *_: ("onnx", network))
    thin, model = torch.rand(3, 10, 300), packaged.model
    model.run_elsewhere = None
    expected = packaged(thin).values
    set_runtime(model, {}, packaged.preprocess, "torch", "bfloat16", None, 0.02)
    assert all((packaged(thin).values == expected).all() for _ in range(2)) and not ran
    assert capsys.readouterr().err.count("too small for runtime onnx, which needs 80 px; such images go through") == 1
    packaged(torch.rand(3, 144, 192))
    assert len(ran) == 1
    with pytest.raises(InputError, match="runtime onnx: a predictor in it cannot be pickled; call use_runtime"):
        pickle.dumps(packaged)
