from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from depthkit.datasets import ImageFolder
from depthkit.errors import InputError

PIPELINE = [
    dict(type="ResizeRGBD", size=(32, 32), mode="cover"),
    dict(type="RandomCropRGBD", size=(24, 24)),
    dict(type="RandomFlipRGBD", prob=1.0),
    dict(type="PackDepthInputs"),
]


def picture(path: Path, value: int = 90, mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 60, 3), value, np.uint8)).convert(mode).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six classes with two images each, and what must be skipped."""
    for name in "abcdef":
        picture(tmp_path / name / "0.png")
        picture(tmp_path / name / "deeper" / "1.JPG")
    picture(tmp_path / ".cache" / "thumbnail.png")
    (tmp_path / "a" / "notes.txt").write_text("not an image")
    return tmp_path


def names(dataset: ImageFolder) -> list[str]:
    return [dataset.get_data_info(i)["img_path"].rpartition("/")[0] for i in range(len(dataset))]


def test_every_picture_below_the_folder_through_the_pipeline(folder):
    dataset = ImageFolder(folder, pipeline=PIPELINE)
    assert len(dataset) == 12
    sample = dataset[0]
    assert sample["inputs"].shape == (3, 24, 24) and sample["inputs"].dtype.is_floating_point is False
    assert sample["data_samples"].img_path == str(folder / "a" / "0.png")
    assert sample["data_samples"].flip is True
    assert "gt_depth_map" not in sample["data_samples"]
    assert len(ImageFolder(folder, indices=5)) == 5


def test_grey_and_transparent_pictures_are_rgb_too(tmp_path):
    picture(tmp_path / "grey.png", mode="L")
    picture(tmp_path / "palette.png", mode="P")
    for i in range(2):
        assert ImageFolder(tmp_path, pipeline=PIPELINE)[i]["inputs"].shape == (3, 24, 24)


def test_whole_folders_are_held_out(folder):
    train = ImageFolder(folder, split="train", hold_out_every=3, pipeline=PIPELINE)
    val = ImageFolder(folder, split="val", hold_out_every=3, pipeline=PIPELINE)
    assert not set(names(train)) & set(names(val))
    assert len(train) + len(val) == 12
    # Twelve folders of images: a, a/deeper, b, b/deeper, ...; the third, sixth, ... are held out.
    held_out = [Path(name).relative_to(folder).as_posix() for name in names(val)]
    assert held_out == ["b", "c/deeper", "e", "f/deeper"]


def test_pictures_without_folders_are_held_out_one_by_one(tmp_path):
    for i in range(10):
        picture(tmp_path / f"{i}.png")
    val = ImageFolder(tmp_path, split="val", hold_out_every=5)
    assert [Path(info["img_path"]).stem for info in map(val.get_data_info, range(len(val)))] == ["4", "9"]


def test_with_few_folders_images_are_held_out_one_by_one(tmp_path):
    for i in range(10):
        picture(tmp_path / "camera" / f"{i}.png")
    val = ImageFolder(tmp_path, split="val", hold_out_every=5)
    train = ImageFolder(tmp_path, split="train", hold_out_every=5)
    assert [Path(info["img_path"]).stem for info in map(val.get_data_info, range(len(val)))] == ["4", "9"]
    assert len(train) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(split="test"), "split='test': expected one of 'all', 'train' or 'val'"),
        (dict(split="train"), "hold_out_every=None: split='train' needs 2 or more"),
        (dict(split="val", hold_out_every=1), "hold_out_every=1: expected a number of 2 or more"),
        (dict(hold_out_every=3), "split='all' holds nothing out"),
        (dict(split="val", hold_out_every=50), "leaves no image for split 'val'"),
    ],
)
def test_arguments_that_make_no_sense(folder, arguments, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        ImageFolder(folder, **arguments)


def test_missing_and_empty_folders_and_damaged_images(tmp_path):
    with pytest.raises(InputError, match=f"{tmp_path}/none: no such folder"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(InputError, match=f"{tmp_path}: contains no image"):
        ImageFolder(tmp_path)
    whole = picture(tmp_path / "cut.png")
    whole.write_bytes(whole.read_bytes()[:60])
    with pytest.raises(InputError, match="cut.png"):
        ImageFolder(tmp_path, pipeline=PIPELINE)[0]


def damaged_folder(folder: Path) -> Path:
    """Five images, of which the second, third and last cannot be read."""
    for i in range(5):
        picture(folder / f"{i}.png", value=10 * i)
    for i in (1, 2, 4):
        (folder / f"{i}.png").write_text("not an image")
    return folder


@pytest.mark.parametrize("workers", [0, 1])
def test_the_next_image_stands_for_a_damaged_one_and_all_workers_mark_it(tmp_path, workers):
    dataset = ImageFolder(damaged_folder(tmp_path), pipeline=PIPELINE, skip_damaged=True)
    assert not dataset.damaged.any()
    samples = list(DataLoader(dataset, batch_size=None, num_workers=workers))
    assert [Path(sample["data_samples"].img_path).stem for sample in samples] == ["0", "3", "3", "3", "0"]
    assert dataset.damaged.tolist() == [False, True, True, False, True]


def test_without_a_valid_image_there_is_one_sentence(tmp_path):
    (picture(tmp_path / "a.png")).write_text("not an image")
    with pytest.raises(InputError, match=f"{tmp_path}: none of its 1 images can be read"):
        ImageFolder(tmp_path, skip_damaged=True)[0]
