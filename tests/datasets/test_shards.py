import tarfile
from pathlib import Path

import numpy as np
import pytest

from depthkit.datasets import ImageFolder
from depthkit.datasets.shards import list_shard
from depthkit.errors import InputError
from depthkit.utils.io import read_rgb, write_rgb

PIPELINE = [dict(type="PackDepthInputs")]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Six different images, outside the folder of the shards."""
    paths = [tmp_path / "loose" / f"{i}.png" for i in range(6)]
    paths[0].parent.mkdir()
    for i, path in enumerate(paths):
        write_rgb(path, np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8))
    return paths


@pytest.fixture
def shards(files: list[Path], tmp_path: Path) -> Path:
    """The same images in three tar files, with labels beside them as WebDataset has them."""
    folder = tmp_path / "shards"
    folder.mkdir()
    label = tmp_path / "0.json"
    label.write_text("{}")
    for i in range(3):
        with tarfile.open(folder / f"{i:05d}.tar", "w") as tar:
            for file in files[2 * i : 2 * i + 2]:
                tar.add(file, arcname=f"sub/{file.name}")
                tar.add(label, arcname=f"sub/{file.stem}.json")
    return folder


def test_images_in_shards_are_those_that_were_packed(shards, files):
    dataset = ImageFolder(shards, pipeline=PIPELINE)
    assert len(dataset) == 6
    for i, file in enumerate(files):
        sample = dataset[i]
        np.testing.assert_array_equal(sample["inputs"].numpy().transpose(1, 2, 0), read_rgb(file))
        assert sample["data_samples"].img_path == str(shards / f"{i // 2:05d}.tar" / "sub" / file.name)


def test_a_shard_is_held_out_as_a_folder_is(shards):
    val = ImageFolder(shards, split="val", hold_out_every=3)
    assert {Path(val.get_data_info(i)["img_path"]).parts[-3] for i in range(len(val))} == {"00002.tar"}
    assert len(val) == 2 and len(ImageFolder(shards, split="train", hold_out_every=3)) == 4


def test_shards_and_files_side_by_side(shards, files):
    write_rgb(shards / "a.png", read_rgb(files[0]))
    assert len(ImageFolder(shards)) == 7


def test_a_damaged_image_in_a_shard_is_skipped_and_named(shards):
    path = shards / "00001.tar"
    (name, place), *_ = list_shard(path).items()
    content = bytearray(path.read_bytes())
    content[place["offset"] : place["offset"] + 40] = bytes(40)
    path.write_bytes(content)
    dataset = ImageFolder(shards, pipeline=PIPELINE, skip_damaged=True)
    assert dataset[2]["data_samples"].img_path.endswith("3.png")
    assert dataset.damaged.tolist() == [False, False, True, False, False, False]
    with pytest.raises(InputError, match=str(name)):
        ImageFolder(shards, pipeline=PIPELINE)[2]


@pytest.mark.parametrize("damage", ["foreign", "compressed", "cut"])
def test_a_file_that_is_no_tar_file_is_one_sentence(shards, files, damage):
    path = shards / "00001.tar"
    if damage == "foreign":
        path.write_text("not a tar file" * 100)
    elif damage == "compressed":
        with tarfile.open(path, "w:gz") as tar:
            tar.add(files[0])
    else:
        path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="00001.tar: cannot be read .* expected a tar file that is not compressed"):
        ImageFolder(shards)
