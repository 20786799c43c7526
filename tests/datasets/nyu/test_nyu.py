"""NYU Depth V2 as folders of files, written as the originals are, and what is wrong in any form."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from torch.utils.data import DataLoader

from depthkit.datasets import NYUDepthV2
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.io import write_depth_png, write_rgb
from nyu_samples import SPLITS, check_sample, collate, small_mat

SPLIT_NAMES = ("train", "test")


@pytest.fixture(scope="module")
def written_sync(tmp_path_factory, pairs):
    root, lines = tmp_path_factory.mktemp("sync"), []
    for index, (image, depth) in enumerate(pairs):
        folder = root / f"scene_{index % 2}"
        folder.mkdir(exist_ok=True)
        write_rgb(folder / f"rgb_{index:05d}.png", image)
        write_depth_png(folder / f"sync_depth_{index:05d}.png", depth)
        lines.append(f"{folder.name}/rgb_{index:05d}.png {folder.name}/sync_depth_{index:05d}.png 518.8579\n")
    (root / "train.txt").write_text("".join("/" + line.replace(" s", " /s", 1) for line in lines[:4]))
    (root / "test.txt").write_text("".join(lines[4:]))
    return root


@pytest.fixture
def sync_root(tmp_path, written_sync):
    """A sync folder of six pairs, the test's own: four to train on, two to test on."""
    return shutil.copytree(written_sync, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def h5_root(tmp_path, pairs):
    """FastDepth's layout, with six frames."""
    for index, (image, depth) in enumerate(pairs):
        folder = tmp_path / ("train/scene_0" if index < 4 else "val/official")
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / f"{index:05d}.h5", "w") as file:
            file["rgb"], file["depth"] = image.transpose(2, 0, 1), depth
    return tmp_path


def test_sync_reads_its_lists(sync_root, pairs):
    train, test = NYUDepthV2(sync_root, "train"), NYUDepthV2(sync_root, "test")
    assert (len(train), len(test)) == (4, 2)
    for index in range(4):
        check_sample(train[index], pairs[index], tolerance=5e-4)
    check_sample(test[1], pairs[5], tolerance=5e-4)
    assert test[1]["img_path"] == str(sync_root / "scene_1" / "rgb_00005.png")


def test_sync_as_bts_arranges_it(sync_root, pairs):
    """The images to train on in sync/, the others in official_splits/test/, the lists above both."""
    names = {split: f"nyudepthv2_{split}_files_with_gt.txt" for split in SPLIT_NAMES}
    for split, name in names.items():
        (sync_root / f"{split}.txt").rename(sync_root / name)
    for index in range(6):
        folder = sync_root / ("sync" if index < 4 else "official_splits/test") / f"scene_{index % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("rgb", "sync_depth"):
            file = f"{kind}_{index:05d}.png"
            (sync_root / f"scene_{index % 2}" / file).rename(folder / file)
    for root in (sync_root, sync_root / "sync"):
        check_sample(NYUDepthV2(root, "train")[3], pairs[3], tolerance=5e-4)
        check_sample(NYUDepthV2(root, "test")[0], pairs[4], tolerance=5e-4)


def test_sync_lines_without_depth_are_skipped(sync_root):
    path = sync_root / "train.txt"
    path.write_text(path.read_text() + "scene_0/rgb_00009.png None 518.8579\n\n")
    data = NYUDepthV2(sync_root)
    assert len(data) == 4
    assert "1 lines without depth skipped" in data.source.description


def test_other_sizes_and_cameras_are_fine(sync_root, pairs):
    image, depth = pairs[0][0][:90, :120], pairs[0][1][:90, :120]
    write_rgb(sync_root / "scene_0" / "rgb_00004.png", image)
    write_depth_png(sync_root / "scene_0" / "sync_depth_00004.png", np.maximum(depth, 1))
    text = (sync_root / "test.txt").read_text().replace("518.8579", "95.5", 1)
    (sync_root / "test.txt").write_text(text)
    data = NYUDepthV2(sync_root, "test")
    assert data[0]["ori_shape"] == (90, 120)
    assert data[0]["intrinsics"].tolist() == [[95.5, 0, 59.5], [0, 95.5, 44.5], [0, 0, 1]]
    assert data[1]["ori_shape"] == (480, 640)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("scene_0/rgb_77.png scene_0/sync_depth_77.png 518.8", r"rgb_77\.png: named by .* first of 2 such"),
        ("scene_0/rgb_00000.png scene_0/sync_depth_77.png 518.8", r"sync_depth_77\.png: .* first of 1 such"),
        ("../scene_0/rgb_00000.png scene_0/sync_depth_00000.png 518.8", r"line 3: .*is outside"),
        ("scene_0/rgb_00000.png scene_0/../../x.png 518.8", r"line 3: .*is outside"),
        ("scene_0/rgb_00000.png scene_0/sync_depth_00000.png", "line 3: has 2 columns"),
        ("scene_0/rgb_00000.png scene_0/sync_depth_00000.png wide", "third column is 'wide'"),
        ("scene_0/rgb_00000.png scene_0/sync_depth_00000.png -3", "third column is '-3'"),
        ("scene_0/rgb_00000.png scene_0/sync_depth_00000.png nan", "third column is 'nan'"),
    ],
)
def test_wrong_lines_are_found_at_the_start(sync_root, line, message):
    with (sync_root / "test.txt").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=message):
        NYUDepthV2(sync_root, "test")


def test_lists_that_are_none(sync_root):
    for content, message in ((b"", "is empty"), (b"\xff\xfe\x00\x81", "not text")):
        (sync_root / "test.txt").write_bytes(content)
        with pytest.raises(InputError, match=rf"test\.txt: .*{message}"):
            NYUDepthV2(sync_root, "test")
    (sync_root / "test.txt").unlink()
    with pytest.raises(InputError, match=r"no split file test\.txt or nyudepthv2_test"):
        NYUDepthV2(sync_root, "test")
    assert len(NYUDepthV2(sync_root, "test", split_file=sync_root / "train.txt")) == 4


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("sync_depth", np.full((480, 640), 9, np.uint8), "8-bit"),
        ("sync_depth", np.zeros((480, 640), np.uint16), "0 .no measurement. everywhere"),
        ("sync_depth", np.ones((48, 64), np.uint16), "image is 640x480 but its depth map is 64x48"),
        ("sync_depth", b"", "is empty"),
        ("rgb", b"some text", "not an image"),
        ("rgb", b"", "is empty"),
    ],
)
def test_damaged_files_are_named_when_read(sync_root, kind, content, message):
    path = sync_root / "scene_0" / f"{kind}_00000.png"
    path.write_bytes(content) if isinstance(content, bytes) else Image.fromarray(content).save(path)
    with pytest.raises(InputError, match=rf"_00000\.png: .*{message}"):
        NYUDepthV2(sync_root)[0]


def test_h5_reads_its_folders(h5_root, pairs):
    train, test = NYUDepthV2(h5_root, "train"), NYUDepthV2(h5_root, "test")
    assert (len(train), len(test)) == (4, 2)
    check_sample(train[2], pairs[2])
    check_sample(test[1], pairs[5])
    assert test[1]["img_path"] == str(h5_root / "val" / "official" / "00005.h5")
    for number, (sample,) in enumerate(DataLoader(train, 1, num_workers=2, collate_fn=collate)):
        check_sample(sample, pairs[number])


def test_h5_without_a_split_or_with_damaged_files(h5_root):
    path = h5_root / "train" / "scene_0" / "00000.h5"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"00000\.h5: is damaged .* expected an HDF5 file with"):
        NYUDepthV2(h5_root)[0]
    with h5py.File(path, "w") as file:
        file["rgb"] = np.zeros((3, 4, 4), np.uint8)
    with pytest.raises(InputError, match=r"00000\.h5: .*depth"):
        NYUDepthV2(h5_root)[0]
    for file in (h5_root / "val" / "official").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"val/official: no \.h5 files"):
        NYUDepthV2(h5_root, "test")


def test_the_form_is_never_guessed(sync_root, tmp_path):
    small_mat(sync_root)
    savemat(sync_root / "splits.mat", SPLITS)
    with pytest.raises(InputError, match="as mat and as sync; name one"):
        NYUDepthV2(sync_root)
    assert len(NYUDepthV2(sync_root, form="mat")) == 2
    assert len(NYUDepthV2(sync_root, form="sync")) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, "split='val'"),
        ({"form": "zip"}, "form='zip'"),
        ({"depth": "best", "form": "mat"}, "depth='best'"),
        ({"depth": "filled"}, "only the mat form"),
        ({"form": "mat"}, r"labeled\.mat: no such file"),
        ({"form": "h5"}, r"no \.h5 files"),
        ({"form": "h5", "split_file": "a.txt"}, "splits in folders"),
        ({"data_root": "/nowhere"}, "no such folder"),
        ({"data_root": Path(__file__).parent}, "contains no known form"),
    ],
)
def test_senseless_options_are_told(written_sync, options, message):
    with pytest.raises(InputError, match=message):
        NYUDepthV2(**{"data_root": written_sync, **options})


def test_built_from_a_config(sync_root):
    config = {
        "type": "NYUDepthV2",
        "data_root": str(sync_root),
        "pipeline": [{"type": "ResizeRGBD", "size": (48, 64)}, {"type": "PackDepthInputs"}],
    }
    packed = DATASETS.build(config)[0]
    assert packed["inputs"].shape == (3, 48, 64)
    assert packed["data_samples"].gt_depth_map.data.shape == (1, 48, 64)


@pytest.mark.slow
def test_the_shared_folder_is_whole(rgbd_root):
    assert len(NYUDepthV2(rgbd_root, "train")) == 505
    test = NYUDepthV2(rgbd_root, "test")
    assert len(test) == 93
    assert {test[index]["ori_shape"] for index in (0, 92)} == {(480, 640), (360, 540)}
