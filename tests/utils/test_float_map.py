"""Float maps come back value for value, from the libraries that others read them with."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from depthkit.errors import InputError
from depthkit.utils.float_map import check_float_format, write_float_map

TEXT = {"kind": "metric", "unit": "m", "licence": "größer"}
any_map = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20))


@given(any_map)
def test_npy_and_tiff_hold_every_value(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("maps")
    write_float_map(folder / "a.npy", values, TEXT)
    write_float_map(folder / "a.tiff", values, TEXT)
    assert np.load(folder / "a.npy").tobytes() == values.tobytes()
    with Image.open(folder / "a.tiff") as image:
        assert np.asarray(image).tobytes() == values.tobytes() and image.size == values.shape[::-1]
        assert json.loads(image.tag_v2[270]) == TEXT


@given(any_map)
def test_exr_holds_every_value(tmp_path_factory, values):
    openexr = pytest.importorskip("OpenEXR", reason="needs OpenEXR: pip install OpenEXR")
    path = tmp_path_factory.mktemp("maps") / "a.exr"
    write_float_map(path, values, TEXT, channel="Z")
    file = openexr.File(str(path))
    assert file.channels()["Z"].pixels.tobytes() == values.tobytes()
    assert TEXT.items() <= file.header().items()


@pytest.mark.parametrize("suffix", ["npy", "tiff", "exr"])
def test_other_types_become_float32(tmp_path, suffix):
    if suffix == "exr":
        pytest.importorskip("OpenEXR", reason="needs OpenEXR: pip install OpenEXR")
    write_float_map(tmp_path / f"a.{suffix}", np.arange(6).reshape(2, 3)[:, ::2], {})
    if suffix == "npy":
        assert np.load(tmp_path / "a.npy").dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]


@pytest.mark.parametrize("suffix", ["npy", "tiff", "exr"])
def test_what_cannot_be_written_is_one_sentence(tmp_path, suffix):
    if suffix == "exr":
        pytest.importorskip("OpenEXR", reason="needs OpenEXR: pip install OpenEXR")
    with pytest.raises(InputError, match=rf"nowhere/a.{suffix}: cannot be written"):
        write_float_map(tmp_path / "nowhere" / f"a.{suffix}", np.ones((2, 2)), {})
    (tmp_path / f"a.{suffix}").mkdir()
    with pytest.raises(InputError, match=rf"a.{suffix}: is a folder; give the name of a file"):
        write_float_map(tmp_path / f"a.{suffix}", np.ones((2, 2)), {})
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    for call in (lambda: check_float_format("exr"), lambda: write_float_map(tmp_path / "a.exr", np.ones((2, 2)), {})):
        with pytest.raises(InputError, match=r"needs the package OpenEXR; run: pip install OpenEXR"):
            call()
    check_float_format("tiff")


def test_an_unknown_format_is_named(tmp_path):
    with pytest.raises(InputError, match="float format 'pfm': expected one of npy, tiff, exr"):
        write_float_map(tmp_path / "a.pfm", np.ones((2, 2)), {})
    assert not list(tmp_path.iterdir())
