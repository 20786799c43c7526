"""NYU Depth V2 in its three forms, written as the originals are: from real pairs where they are at hand."""

import copy
import os
import pickle
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat
from torch.utils.data import DataLoader

from depthkit.datasets import NYUDepthV2
from depthkit.datasets.rooms.dataset import RoomGenerator
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.camera import NYU_INTRINSICS
from depthkit.utils.io import read_depth, read_rgb, write_depth_png, write_rgb

FRAMES = 1449
# Frames of the official splits, counted from 0: the first and last of each, and one in the middle.
TRAIN_PLACES, TEST_PLACES = (0, 400, 794), (0, 300, 653)
SPLIT_NAMES = ("train", "test")


@pytest.fixture(scope="module")
def pairs(request):
    """Six pairs (image, depth [m]) of 640x480: real ones when they are there, else generated rooms."""
    try:
        root = request.getfixturevalue("rgbd_root")
    except pytest.skip.Exception:
        rooms = [RoomGenerator(6, (480, 640), 1).read({"index": index}) for index in range(6)]
        return [(room.image, room.depth) for room in rooms]
    lines = [line.split() for line in (root / "test.txt").read_text().splitlines()]
    lines = [line for line in lines if "office" not in line[0]]  # of another size
    chosen = [lines[round(place)] for place in np.linspace(0, len(lines) - 1, 6)]
    return [(read_rgb(root / rgb), read_depth(root / depth)) for rgb, depth, _ in chosen]


@pytest.fixture(scope="module")
def official(request):
    """The official indices of each split, counted from 1; a made-up split of that size without them."""
    try:
        splits = loadmat(request.getfixturevalue("shared_data") / "nyu" / "splits.mat")
    except pytest.skip.Exception:
        order = np.random.default_rng(0).permutation(FRAMES) + 1
        splits = {"trainNdxs": np.sort(order[:795])[:, None], "testNdxs": np.sort(order[795:])[:, None]}
    return {key: splits[key].astype(np.uint16) for key in ("trainNdxs", "testNdxs")}


@pytest.fixture(scope="module")
def mat_root(tmp_path_factory, pairs, official):
    """A labelled .mat with the original's 1449 frames and axes; six of them hold pairs, the rest nothing."""
    root = tmp_path_factory.mktemp("mat")
    savemat(root / "splits.mat", official)
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w", userblock_size=512) as file:
        images = file.create_dataset("images", (FRAMES, 3, 640, 480), "u1", chunks=(1, 3, 640, 480))
        shape = {"shape": (FRAMES, 640, 480), "dtype": "f4", "chunks": (1, 640, 480)}
        raw, filled = file.create_dataset("rawDepths", **shape), file.create_dataset("depths", **shape)
        places = official["trainNdxs"][list(TRAIN_PLACES), 0], official["testNdxs"][list(TEST_PLACES), 0]
        for frame, (image, depth) in zip(np.concatenate(places).astype(int) - 1, pairs, strict=True):
            images[frame] = image.transpose(2, 1, 0)
            raw[frame] = depth.T
            filled[frame] = np.where(depth > 0, depth, 1.5).T
    return root


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


def check_sample(sample, pair, tolerance=0.0):
    image, depth = pair
    np.testing.assert_array_equal(sample["img"], image)
    np.testing.assert_allclose(sample["gt_depth_map"], depth, atol=tolerance)
    assert sample["gt_depth_map"].dtype == np.float32
    assert sample["ori_shape"] == sample["img_shape"] == (480, 640)
    np.testing.assert_allclose(sample["intrinsics"], NYU_INTRINSICS)


@pytest.mark.parametrize(("split", "places", "first"), [("train", TRAIN_PLACES, 0), ("test", TEST_PLACES, 3)])
def test_mat_gives_the_official_frames(mat_root, pairs, official, split, places, first):
    data = NYUDepthV2(mat_root, split)
    assert len(data) == {"train": 795, "test": 654}[split]
    for number, place in enumerate(places):
        check_sample(data[place], pairs[first + number])
        frame = official[f"{split}Ndxs"][place, 0] - 1
        assert data[place]["img_path"] == f"{mat_root / 'nyu_depth_v2_labeled.mat'}#{frame}"


def test_mat_has_raw_depth_unless_filled_is_asked_for(mat_root, pairs):
    filled = NYUDepthV2(mat_root, "test", depth="filled")[0]["gt_depth_map"]
    raw = NYUDepthV2(mat_root, "test")[0]["gt_depth_map"]
    np.testing.assert_array_equal(raw, pairs[3][1])
    np.testing.assert_array_equal(filled, np.where(raw > 0, raw, np.float32(1.5)))


def test_an_empty_depth_map_stops_training_but_not_a_test(mat_root):
    with pytest.raises(InputError, match=r"labeled\.mat#\d+: its depth map is 0"):
        NYUDepthV2(mat_root, "train")[1]
    assert not NYUDepthV2(mat_root, "test")[1]["gt_depth_map"].any()


def collate(samples):
    return samples


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_mat_is_read_by_two_workers(mat_root, pairs, context):
    data = NYUDepthV2(mat_root, "train", indices=list(TRAIN_PLACES) * 2)
    check_sample(data[0], pairs[0])  # the parent's file is open when the workers start
    loader = DataLoader(data, 1, num_workers=2, collate_fn=collate, multiprocessing_context=context)
    for number, (sample,) in enumerate(loader):
        check_sample(sample, pairs[number % 3])
    check_sample(data[1], pairs[1])


def test_mat_survives_pickling_and_copying(mat_root, pairs):
    data = NYUDepthV2(mat_root, "train")
    check_sample(data[0], pairs[0])
    check_sample(pickle.loads(pickle.dumps(data))[0], pairs[0])
    check_sample(copy.deepcopy(data)[0], pairs[0])


def test_a_bad_frame_in_a_worker_is_an_input_error(mat_root):
    data = NYUDepthV2(mat_root, "train", indices=[1])
    batches = iter(DataLoader(data, 1, num_workers=1, collate_fn=collate))
    with pytest.raises(InputError, match="its depth map is 0"):
        next(batches)
    batches._shutdown_workers()  # the garbage collector would wait 5 s for the worker


def test_truncated_mat(mat_root, tmp_path):
    file = shutil.copy(mat_root / "nyu_depth_v2_labeled.mat", tmp_path)
    shutil.copy(mat_root / "splits.mat", tmp_path)
    whole = os.path.getsize(file)
    for share in (0.999, 0.9, 0.2, 0.0):
        os.truncate(file, int(whole * share))
        with pytest.raises(InputError, match=r"labeled\.mat: is (damaged|empty).*MATLAB v7\.3"):
            NYUDepthV2(tmp_path)


def small_mat(root, **variables):
    standard = {"images": np.ones((4, 3, 8, 6), np.uint8), "rawDepths": np.ones((4, 8, 6), np.float32)}
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        for name, value in {**standard, **variables}.items():
            if value is not None:
                file[name] = value


SPLITS = {"trainNdxs": [1, 2], "testNdxs": [3, 4]}


@pytest.mark.parametrize(
    ("variables", "splits", "message"),
    [
        ({}, None, r"splits\.mat: no such file; expected the official splits"),
        ({}, b"", r"splits\.mat: is empty"),
        (
            {},
            b"text that is no mat file at all, however long it may be" * 9,
            "splits.mat: is damaged .*does not begin as a file of MATLAB 5.0",
        ),
        ({}, {"trainNdxs": [1, 2]}, r"splits\.mat: .*no variable 'testNdxs'"),
        ({}, {**SPLITS, "testNdxs": [5]}, r"splits\.mat: testNdxs names frame 5, but the data set has frames 1 to 4"),
        ({}, {**SPLITS, "trainNdxs": [0, 2]}, r"splits\.mat: trainNdxs names frame 0"),
        ({}, {**SPLITS, "trainNdxs": [1.5, 2]}, r"splits\.mat: trainNdxs names frame 1.5"),
        ({}, {**SPLITS, "trainNdxs": [np.nan, 2]}, r"splits\.mat: trainNdxs names frame nan"),
        ({}, {**SPLITS, "trainNdxs": [1, 1]}, r"splits\.mat: trainNdxs names frame 1 twice"),
        ({}, {**SPLITS, "trainNdxs": [1 + 1j, 2]}, r"splits\.mat: trainNdxs holds complex128"),
        ({}, {**SPLITS, "trainNdxs": "12"}, r"splits\.mat: trainNdxs holds str"),
        ({}, {**SPLITS, "testNdxs": [2, 3]}, r"splits\.mat: .*1 frames are in both splits, the first is 2"),
        ({}, {**SPLITS, "testNdxs": []}, r"splits\.mat: testNdxs is empty"),
        ({"rawDepths": None}, SPLITS, "no dataset 'rawDepths'"),
        ({"images": None}, SPLITS, "no dataset 'images'"),
        ({"images": np.ones((4, 6, 8, 3), np.uint8)}, SPLITS, "expected uint8"),
        ({"images": np.uint8(1)}, SPLITS, "expected uint8"),
        ({"rawDepths": np.ones((4, 6, 8), np.float32)}, SPLITS, r"expected \(N, width, height\)"),
        ({"rawDepths": np.full((4, 8, 6), np.nan, np.float32)}, SPLITS, r"labeled\.mat#1: 48 depth values are NaN"),
    ],
)
def test_a_mat_or_splits_of_another_kind(tmp_path, variables, splits, message):
    small_mat(tmp_path, **variables)
    if isinstance(splits, dict):
        savemat(tmp_path / "splits.mat", splits)
    elif splits is not None:
        (tmp_path / "splits.mat").write_bytes(splits)
    with pytest.raises(InputError, match=message):
        NYUDepthV2(tmp_path, "train")[1]


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
