"""`depthkit prepare-nyu` and the conversion, on small data sets written here."""

import json
import os

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from depthkit.datasets import NYUDepthV2
from depthkit.datasets.nyu.conversion import convert_mat
from depthkit.errors import InputError
from depthkit.utils.io import write_depth_png

HEIGHT, WIDTH, FRAMES = 12, 16, 6


@pytest.fixture
def mat_root(tmp_path):
    """Six frames: five kitchens and an office; frames 1, 2, 5 and 6 (from 1) to train on."""
    root = tmp_path / "nyu"
    root.mkdir()
    rng = np.random.default_rng(0)
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = rng.integers(0, 255, (FRAMES, 3, WIDTH, HEIGHT), dtype=np.uint8)
        file["rawDepths"] = (rng.integers(0, 9999, (FRAMES, WIDTH, HEIGHT)) / 1000).astype(np.float32)
        names = ["kitchen_0004", "kitchen_0004", "kitchen_0004", "kitchen_0005", "office_0001", "kitchen_0004"]
        references = []
        for index, name in enumerate(names):
            file[f"names/{index}"] = np.array([[ord(letter)] for letter in name], dtype=np.uint16)
            references.append(file[f"names/{index}"].ref)
        file.create_dataset("scenes", (1, FRAMES), data=[references], dtype=h5py.ref_dtype)
    savemat(root / "splits.mat", {"trainNdxs": [[1], [2], [5], [6]], "testNdxs": [[3], [4]]})
    return root


def fingerprint(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_conversion_gives_the_same_data_set(mat_root, tmp_path, cli):
    before = fingerprint(mat_root)
    out = tmp_path / "sync"
    done = cli("prepare-nyu", mat_root, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 pairs written, 0 were there" in done.stdout
    assert fingerprint(mat_root) == before
    first = (out / "train.txt").read_text().splitlines()[0].split()
    assert first[:2] == ["kitchen_0004/rgb_00000.png", "kitchen_0004/sync_depth_00000.png"]
    for split, count in (("train", 4), ("test", 2)):
        source, converted = NYUDepthV2(mat_root, split), NYUDepthV2(out, split)
        assert len(source) == len(converted) == count
        for index in range(count):
            np.testing.assert_array_equal(source[index]["img"], converted[index]["img"])
            np.testing.assert_allclose(source[index]["gt_depth_map"], converted[index]["gt_depth_map"], atol=1e-6)
    again = cli("prepare-nyu", mat_root / "nyu_depth_v2_labeled.mat", "--out", out)
    assert (again.returncode, again.stderr) == (0, "")
    assert "0 pairs written, 6 were there" in again.stdout
    check = cli("prepare-nyu", "--check", out)
    assert check.returncode == 0
    assert "sync, train: 4 pairs" in check.stdout


def test_an_interrupted_conversion_is_continued(mat_root, tmp_path, monkeypatch):
    out = tmp_path / "sync"
    paths = mat_root / "nyu_depth_v2_labeled.mat", mat_root / "splits.mat"
    calls = []

    def stop_at_the_third(path, depth):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(path, depth)

    import depthkit.datasets.nyu.conversion as module

    original = module.write_depth_png
    monkeypatch.setattr(module, "write_depth_png", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        convert_mat(*paths, out)
    assert not (out / "train.txt").exists()
    with pytest.raises(InputError, match="no known form"):
        NYUDepthV2(out, "train")
    monkeypatch.setattr(module, "write_depth_png", original)
    done = convert_mat(*paths, out)
    assert (done.written, done.kept) == (4, 2)
    assert len(NYUDepthV2(out, "train")) == 4


def test_conversion_never_mixes_or_works_in_place(mat_root, tmp_path, cli):
    in_place = cli("prepare-nyu", mat_root, "--out", mat_root)
    assert in_place.returncode == 2
    assert "the source's own folder" in in_place.stderr
    used = tmp_path / "used"
    used.mkdir()
    (used / "train.txt").write_text("mine")
    assert "contains other files" in cli("prepare-nyu", mat_root, "--out", used).stderr
    assert (used / "train.txt").read_text() == "mine"
    convert_mat(mat_root / "nyu_depth_v2_labeled.mat", mat_root / "splits.mat", tmp_path / "sync")
    with h5py.File(mat_root / "nyu_depth_v2_labeled.mat", "a") as file:
        file["more"] = np.zeros(1000)
    other = cli("prepare-nyu", mat_root, "--out", tmp_path / "sync")
    assert other.returncode == 2
    assert "contains another conversion" in other.stderr


def test_scene_names_cannot_climb_out(mat_root, tmp_path):
    with h5py.File(mat_root / "nyu_depth_v2_labeled.mat", "a") as file:
        file["names/0"][:3, 0] = [ord(letter) for letter in "../"]
    with pytest.raises(InputError, match="a scene is called"):
        convert_mat(mat_root / "nyu_depth_v2_labeled.mat", mat_root / "splits.mat", tmp_path / "sync")
    assert not (tmp_path / "sync").exists()


def test_a_mat_without_scenes_and_a_folder_that_cannot_be_made(mat_root, tmp_path):
    with h5py.File(mat_root / "nyu_depth_v2_labeled.mat", "a") as file:
        del file["scenes"]
    paths = mat_root / "nyu_depth_v2_labeled.mat", mat_root / "splits.mat"
    convert_mat(*paths, tmp_path / "sync")
    assert (tmp_path / "sync" / "labelled" / "rgb_00005.png").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder, or lies below a file"):
        convert_mat(*paths, tmp_path / "file" / "sync")


def test_check_of_a_whole_mat(mat_root, cli):
    done = cli("prepare-nyu", "--check", mat_root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mat, train: 4 pairs" in done.stdout
    assert "the official train split has 795" in done.stdout
    assert "mat, test: 2 pairs" in done.stdout
    assert done.stdout.rstrip().endswith("complete")


def test_check_lists_what_is_missing(mat_root, tmp_path, cli):
    (mat_root / "splits.mat").rename(tmp_path / "splits.mat")
    done = cli("prepare-nyu", "--check", mat_root)
    assert done.returncode == 1
    assert f"missing: {mat_root / 'splits.mat'}" in done.stdout
    out = tmp_path / "sync"
    convert_mat(mat_root / "nyu_depth_v2_labeled.mat", tmp_path / "splits.mat", out)
    (out / "kitchen_0004" / "rgb_00000.png").unlink()
    (out / "kitchen_0004" / "sync_depth_00000.png").unlink()
    (out / "kitchen_0004" / "rgb_00001.png").write_bytes(b"")
    (out / "test.txt").unlink()
    done = cli("prepare-nyu", "--check", out)
    assert done.returncode == 1
    assert "sync, train: 2 pairs" in done.stdout
    listed = [line.split("missing: ")[1] for line in done.stdout.splitlines() if "missing: " in line]
    assert listed == [
        str(out / "kitchen_0004" / "rgb_00000.png"),
        str(out / "kitchen_0004" / "sync_depth_00000.png"),
        "test.txt or nyudepthv2_test_files_with_gt.txt",
    ]
    empty = out / "kitchen_0004" / "rgb_00001.png"
    assert f"damaged: {empty}: is empty; expected a file of NYU Depth V2" in done.stdout
    assert done.stdout.endswith(": 3 missing, 1 damaged\n")


def test_check_looks_at_what_has_a_files_name_and_deep_reads_it(mat_root, tmp_path, cli):
    out = tmp_path / "sync"
    convert_mat(mat_root / "nyu_depth_v2_labeled.mat", mat_root / "splits.mat", out)
    lines = [line.split()[:2] for line in (out / "train.txt").read_text().splitlines()]
    (rgb, _), (link, _), (_, fifo), (_, other) = [[out / name for name in line] for line in lines]
    link.unlink()
    link.symlink_to("nowhere.png")
    fifo.unlink()
    os.mkfifo(fifo)
    write_depth_png(other, np.ones((3, 3)))
    done = cli("prepare-nyu", "--check", out)
    assert "sync, train: 2 pairs" in done.stdout and "sync, test: 2 pairs" in done.stdout
    assert f"damaged: {link}: is a broken link" in done.stdout
    assert f"damaged: {fifo}: is not a regular file but a FIFO" in done.stdout
    rgb.unlink()
    rgb.mkdir()
    assert f"damaged: {rgb}: is a folder" in cli("prepare-nyu", "--check", out).stdout
    deep = cli("prepare-nyu", "--check", "--deep", out, "--json", tmp_path / "found.json")
    assert deep.returncode == 1
    assert "the image is 16x12 but its depth map is 3x3" in deep.stdout
    found = {state["split"]: state for state in json.loads((tmp_path / "found.json").read_text())}
    assert (found["train"]["pairs"], len(found["train"]["damaged"])) == (0, 4)
    assert (found["test"]["pairs"], found["test"]["damaged"]) == (2, [])
    assert cli("prepare-nyu", "--check", "--deep", mat_root).returncode == 0
    assert cli("prepare-nyu", mat_root, "--deep", "--out", tmp_path / "x").returncode == 2


def test_check_of_h5_files(tmp_path, cli):
    (tmp_path / "train" / "office").mkdir(parents=True)
    with h5py.File(tmp_path / "train" / "office" / "00001.h5", "w") as file:
        file["rgb"], file["depth"] = np.zeros((3, 4, 4), np.uint8), np.ones((4, 4))
    done = cli("prepare-nyu", "--check", tmp_path)
    assert done.returncode == 1
    assert "h5, train: 1 pairs" in done.stdout
    assert f"missing: {tmp_path / 'val/official'}" in done.stdout


def test_wrong_input_is_one_sentence_and_status_2(mat_root, tmp_path, cli):
    (tmp_path / "empty" / "folder").mkdir(parents=True)
    os.truncate(mat_root / "nyu_depth_v2_labeled.mat", 3000)
    for folder in (tmp_path / "nowhere", tmp_path / "empty" / "folder", mat_root):
        done = cli("prepare-nyu", "--check", folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
