import numpy as np
import pytest
from PIL import Image

from depthkit.datasets import RGBDFolder
from depthkit.errors import InputError
from depthkit.utils.io import write_rgb


@pytest.fixture
def root(tmp_path):
    """Ten pairs: image k is all k, and its depth is (1 + k / 10) m in millimetres."""
    for folder in ("rgb", "depth"):
        (tmp_path / folder).mkdir()
    for index in range(10):
        write_rgb(tmp_path / "rgb" / f"{index:03d}.png", np.full((6, 8, 3), index, np.uint8))
        depth = np.full((6, 8), 1000 + 100 * index, np.uint16)
        Image.fromarray(depth).save(tmp_path / "depth" / f"{index:03d}.png")
    return tmp_path


def names(data):
    return [int(data[index]["img"][0, 0, 0]) for index in range(len(data))]


def test_pairs_by_stem(root):
    data = RGBDFolder(root, depth_scale=1000, split="all")
    assert names(data) == list(range(10))
    for index in range(10):
        assert data[index]["gt_depth_map"] == pytest.approx(1 + index / 10)
    assert "intrinsics" not in data[0]


def test_a_split_is_never_made_up(root):
    with pytest.raises(InputError, match=r"train\.txt: no list of the train split"):
        RGBDFolder(root, depth_scale=1000, split="train")
    (root / "train.txt").write_text("003\n001.png\n")
    assert names(RGBDFolder(root, depth_scale=1000, split="train")) == [3, 1]
    with pytest.raises(InputError, match=r"test\.txt: no list"):
        RGBDFolder(root, depth_scale=1000, split="test")


def test_holding_out_each_third_pair(root):
    train = names(RGBDFolder(root, depth_scale=1000, split="train", test_every=3))
    test = names(RGBDFolder(root, depth_scale=1000, split="test", test_every=3))
    assert (train, test) == ([0, 1, 3, 4, 6, 7, 9], [2, 5, 8])
    # The user's own lists win.
    (root / "test.txt").write_text("000\n001\n")
    assert names(RGBDFolder(root, depth_scale=1000, split="test", test_every=3)) == [0, 1]


def test_lists_of_paths_pair_other_names_and_bring_the_focal_length(root):
    (root / "depth" / "004.png").rename(root / "depth" / "other.png")
    (root / "mine.txt").write_text("rgb/004.png depth/other.png 10.0\n/rgb/005.png depth/005.png 12\n")
    data = RGBDFolder(root, depth_scale=1000, split_file=root / "mine.txt")
    assert names(data) == [4, 5]
    assert data[0]["intrinsics"].tolist() == [[10, 0, 3.5], [0, 10, 2.5], [0, 0, 1]]
    fixed = RGBDFolder(root, depth_scale=1000, split_file=root / "mine.txt", intrinsics=(5, 6, 4, 3))
    assert fixed[0]["intrinsics"].tolist() == [[5, 0, 4], [0, 6, 3], [0, 0, 1]]


def test_other_folders_and_formats(root):
    (root / "rgb").rename(root / "photos")
    (root / "range").mkdir()
    for index in range(10):
        np.save(root / "range" / f"{index:03d}.npy", np.full((6, 8), 2.0 + index))
    data = RGBDFolder(root, depth_scale=1, split="all", rgb_dir="photos", depth_dir="range")
    assert data[3]["gt_depth_map"] == pytest.approx(5.0)


def test_the_scale_has_no_default_and_is_checked(root):
    with pytest.raises(InputError, match="RGBDFolder: the argument 'depth_scale' is missing"):
        RGBDFolder(root, split="all")
    for scale in (0, -1, "mm", True, None, (1000, 1000), float("nan"), float("inf")):
        with pytest.raises(InputError, match="depth_scale="):
            RGBDFolder(root, depth_scale=scale, split="all")


@pytest.mark.parametrize(("scale", "median"), [(1, "1.45e[+]03"), (100000, "0.0145")])
def test_an_implausible_range_names_the_scale(root, scale, median):
    with pytest.raises(InputError, match=rf"median {median} m.*depth_scale is the file's units per metre"):
        RGBDFolder(root, depth_scale=scale, split="all")


def test_the_range_is_printed(root, monkeypatch):
    printed = []
    monkeypatch.setattr("depthkit.datasets.rgbd_folder.print_log", lambda text, **_: printed.append(text))
    monkeypatch.setattr("depthkit.datasets.base_dataset.print_log", lambda text, **_: printed.append(text))
    RGBDFolder(root, depth_scale=1000, split="all")
    assert printed == [
        f"RGBDFolder: 10 samples, form folder, split all, {root}",
        "RGBDFolder: depth of 10 files at depth_scale=1000: min 1 m, median 1.45 m, max 1.9 m",
    ]


def test_no_measurement_anywhere(root):
    for path in (root / "depth").iterdir():
        Image.fromarray(np.zeros((6, 8), np.uint16)).save(path)
    with pytest.raises(InputError, match="no measurement"):
        RGBDFolder(root, depth_scale=1000, split="all")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rgb/000.png depth/000.png\nrgb/xyz.png depth/001.png", r"xyz\.png: named by the split but missing"),
        ("rgb/../../a.png depth/000.png", "is outside the data folder"),
        ("nothing", "no image 'nothing'"),
        ("000\nrgb/001.png depth/001.png", "line 2: other lines contain one name"),
        ("a b c d", "line 1: expected a name"),
        ("rgb/000.png depth/000.png far", "third column"),
    ],
)
def test_wrong_lists(root, line, message):
    (root / "train.txt").write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        RGBDFolder(root, depth_scale=1000)


def test_folders_that_do_not_go_together(root):
    (root / "depth" / "007.png").unlink()
    (root / "depth" / "008.png").unlink()
    with pytest.raises(InputError, match=r"007\.png: has no depth map .* first of 2 such"):
        RGBDFolder(root, depth_scale=1000, split="all")
    with pytest.raises(InputError, match="colour: no images there"):
        RGBDFolder(root, depth_scale=1000, split="all", rgb_dir="colour")
    with pytest.raises(InputError, match="no such folder"):
        RGBDFolder(root / "x", depth_scale=1000, split="all")
    write_rgb(root / "rgb" / "000.bmp", np.zeros((6, 8, 3), np.uint8))
    with pytest.raises(InputError, match="have the same name without suffix; remove one"):
        RGBDFolder(root, depth_scale=1000, split="all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "val"}, "split='val': expected one of 'train', 'test' or 'all'"),
        ({"test_every": 1}, "test_every=1: expected a number of 2 or more"),
        ({"test_every": 11, "split": "test"}, "test_every=11 leaves no test pair"),
        ({"test_every": 3, "split_file": "a.txt"}, "both define the split"),
        ({"indices": -1}, "indices=-1: expected a number of 1 or more or"),
        ({"indices": [10], "split": "all"}, "indices: 10 is out of range; .* 10 samples.* the setting `pairs`"),
        ({"indices": [0, -1]}, "indices=.* a number of 0 or more"),
        ({"pipeline": [5]}, r"pipeline\[0\]=5: expected a dict or something to call"),
        ({"intrinsics": (1, 2)}, r"intrinsics=\(1, 2\): expected \(fx, fy, cx, cy\) in pixels"),
        ({"intrinsics": (float("nan"), 1, 1, 1)}, "intrinsics=.*: expected"),
        ({"intrinsics": (1, 1, float("inf"), 1)}, "intrinsics=.*: expected"),
        ({"intrinsics": (0, 1, 1, 1)}, "intrinsics=.*: expected"),
        ({"data_root": None}, "data_root=None: expected text or a path"),
    ],
)
def test_arguments_out_of_range(root, options, message):
    with pytest.raises(InputError, match=message):
        RGBDFolder(**{"data_root": root, "depth_scale": 1000, **options})


@pytest.mark.parametrize("pipeline", [[], [{"type": "RandomFlipRGBD"}]])
def test_a_pipeline_must_pack(root, pipeline):
    data = RGBDFolder(root, depth_scale=1000, split="all", pipeline=pipeline)
    with pytest.raises(InputError, match="its last step does not pack the sample"):
        data[0]


def test_indices_choose_pairs(root):
    assert names(RGBDFolder(root, depth_scale=1000, split="all", indices=3)) == [0, 1, 2]
    assert names(RGBDFolder(root, depth_scale=1000, split="all", indices=range(2, 9, 3))) == [2, 5, 8]


def test_the_shared_pairs_in_metres(rgbd_root):
    data = RGBDFolder(rgbd_root, depth_scale=1000, split="test")
    assert len(data) == 93
    assert 0.4 < np.median(data[0]["gt_depth_map"][data[0]["gt_depth_map"] > 0]) < 8
