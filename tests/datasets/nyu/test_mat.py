"""The labelled .mat of NYU Depth V2, written as the original is: from real pairs where they are at hand."""

import copy
import os
import pickle
import shutil

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from torch.utils.data import DataLoader

from depthkit.datasets import NYUDepthV2
from depthkit.errors import InputError
from nyu_samples import SPLITS, check_sample, collate, small_mat

FRAMES = 1449
# Frames of the official splits, counted from 0: the first and last of each, and one in the middle.
TRAIN_PLACES, TEST_PLACES = (0, 400, 794), (0, 300, 653)
SPLIT_NAMES = ("train", "test")


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
