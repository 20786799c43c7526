"""What a predictor can be called with: every kind of source gives the same image, or one sentence."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, features

from depthkit.apis import image_source
from depthkit.apis.image_source import read_source
from depthkit.errors import InputError
from depthkit.utils.image_files import list_images


def smooth(height=40, width=60):
    coarse = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def with_exif(rgb):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    exif.get_ifd(0x8769)[0xA405] = 26
    return Image.fromarray(np.rot90(rgb).copy()), exif


@pytest.fixture
def photo(tmp_path) -> Path:
    image, exif = with_exif(smooth())
    image.save(tmp_path / "a b.png", exif=exif)
    return tmp_path / "a b.png"


def test_all_sources_are_the_same_image(photo, monkeypatch):
    content = photo.read_bytes()
    monkeypatch.setattr(image_source, "fetch", lambda url, expected: content)
    encoded = [photo, str(photo), photo.as_uri(), "https://a.org/b", content, bytearray(content), memoryview(content)]
    encoded.append(Image.open(photo))
    for source in encoded:
        read = read_source(source)
        np.testing.assert_array_equal(read.rgb, smooth())
        assert read.focal == pytest.approx(26 * np.hypot(40, 60) / np.hypot(36, 24))
    for source in (smooth(), torch.from_numpy(smooth())):
        read = read_source(source)
        np.testing.assert_array_equal(read.rgb, smooth())
        assert read.focal is None


def test_a_source_is_named_in_messages(photo):
    assert read_source(photo).name == read_source(photo.as_uri()).name == str(photo)
    assert read_source(Image.open(photo), "image 2").name == str(photo)
    assert read_source(photo.read_bytes(), "image 2").name == "image 2" == read_source(smooth(), "image 2").name


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [(".avif", {"quality": 95}, 12), (".jp2", {}, 0), (".gif", {}, 60), (".webp", {"lossless": True}, 0)],
)
def test_formats_are_read_by_name_and_found_in_folders(tmp_path, suffix, options, tolerance):
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    Image.fromarray(smooth()).save(tmp_path / f"a{suffix}", **options)
    (found,) = list_images(tmp_path)
    assert np.abs(read_source(found).rgb.astype(int) - smooth()).max() <= tolerance


@pytest.fixture
def heic(tmp_path) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra [heif]")
    image, exif = with_exif(smooth(64, 96))
    heif = pillow_heif.from_pillow(image)
    try:
        heif.save(tmp_path / "a.heic", quality=95, exif=exif.tobytes())
    except RuntimeError as error:
        pytest.skip(f"this pillow-heif cannot write HEIC ({error})")
    return tmp_path / "a.heic"


def test_heic_is_upright_with_its_focal_length(heic):
    for source in (heic, heic.read_bytes()):
        read = read_source(source)
        assert read.rgb.shape == (64, 96, 3)
        assert np.abs(read.rgb.astype(int) - smooth(64, 96)).mean() < 4
        assert read.focal == pytest.approx(26 * np.hypot(64, 96) / np.hypot(36, 24))


def test_heic_without_its_package_is_one_sentence(heic, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(InputError, match=r"a\.heic: is a HEIC image.*pip install 'depthkit\[heif\]'") as caught:
        read_source(heic)
    assert "\n" not in str(caught.value)


def test_a_damaged_heic_is_one_sentence(heic):
    content = heic.read_bytes()
    for damaged in (content[: len(content) // 2], content[:40]):
        with pytest.raises(InputError, match="^image: "):
            read_source(damaged)


def test_files_are_checked_as_always(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for source in (tmp_path / "pipe.png", (tmp_path / "pipe.png").as_uri()):
        with pytest.raises(InputError, match="is not a regular file but a FIFO"):
            read_source(source)
    with pytest.raises(InputError, match="no such file"):
        read_source((tmp_path / "gone.png").as_uri())


def test_bytes_and_pil_images_are_bounded_and_checked(photo, monkeypatch):
    with pytest.raises(InputError, match="^image 7: is empty"):
        read_source(b"", "image 7")
    with pytest.raises(InputError, match="^image 7: is not an image of a known format"):
        read_source(b"plain text", "image 7")
    with pytest.raises(InputError, match="^image 7: is damaged"):
        read_source(photo.read_bytes()[:200], "image 7")
    cut = Image.open(io.BytesIO(photo.read_bytes()[:200]))
    with pytest.raises(InputError, match="^image 7: is damaged"):
        read_source(cut, "image 7")
    monkeypatch.setattr("depthkit.utils.input_files.MAX_PIXELS", 1000)
    for source in (Image.open(photo), smooth(), torch.from_numpy(smooth())):
        with pytest.raises(InputError, match="megapixels"):
            read_source(source)
    monkeypatch.setattr("depthkit.utils.image_decoding.MAX_REDUCED_PIXELS", 2000)
    for source in (photo, photo.read_bytes()):
        with pytest.raises(InputError, match="megapixels"):
            read_source(source)


def test_a_file_of_too_many_pixels_is_reduced_wherever_it_comes_from(photo, monkeypatch):
    content, focal = photo.read_bytes(), read_source(photo).focal
    monkeypatch.setattr(image_source, "fetch", lambda url, expected: content)
    monkeypatch.setattr("depthkit.utils.input_files.MAX_PIXELS", 1000)
    expected = smooth().reshape(20, 2, 30, 2, 3).mean((1, 3))
    for source in (photo, photo.as_uri(), "https://a.org/b", content):
        read = read_source(source)
        assert np.abs(read.rgb - expected).max() <= 0.5 and read.reduction == 2
        assert read.focal == pytest.approx(focal / 2)
        assert (read.scale_focal(100.0), read.scale_focal("exif"), read.scale_focal(None)) == (50.0, "exif", None)
        assert read_source(source, max_pixels=300).rgb.shape == (14, 20, 3)
    assert read_source(photo, max_pixels=2400).reduction == 1


@pytest.mark.parametrize("source", [3, None, object(), io.BytesIO(b"x"), {"image": 1}, [[1, 2]]])
def test_other_things_are_refused(source):
    with pytest.raises(InputError, match=f"is of type {type(source).__name__}; expected a path"):
        read_source(source)


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_the_memory_of_the_caller_is_not_kept(convert):
    array = np.full((6, 5, 3), 200, np.uint8)
    image = read_source(convert(array))
    array[:] = 0
    assert (image.rgb == 200).all()


def test_an_empty_path_is_said():
    with pytest.raises(InputError, match="image: is an empty text"):
        read_source("")
