"""Images for int8, and the device that a runtime needs."""

import numpy as np
import pytest
from PIL import Image

from depthkit.apis.network_runtime import device_of_runtime, read_calibration
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
