"""NYU Depth V2 in its forms: damaged .mat, splits.mat and .h5, and folders with something else in a file's place."""

import h5py
import numpy as np
from scipy.io import savemat

from ..case import EITHER, REFUSED, Attempt, case
from ..damage import damage, damage_file, flip_bits, replace_by_something_else

MAT = "nyu_depth_v2_labeled.mat"


def on(folder, assets, rng, root):
    """Return a command that reads the data set of NYU in `root`."""
    command = rng.choice(
        ["test", "test", "check", "deep check", "convert"] if root == "nyu_mat" else ["test", "check", "deep check"]
    )
    if command == "check":
        return ["prepare-nyu", root, "--check"]
    if command == "deep check":
        return ["prepare-nyu", root, "--check", "--deep"]
    if command == "convert":
        return ["prepare-nyu", root, "--out", "converted"]
    return assets.test_on(folder, f"type='NYUDepthV2', data_root={root!r}, split='test'")


def deep(folder, assets, rng, root):
    """Return a command that reads every frame of the test split."""
    if rng.random() < 0.3:
        return ["prepare-nyu", root, "--check", "--deep"]
    return assets.test_on(folder, f"type='NYUDepthV2', data_root={root!r}, split='test'")


@case("data_sets", EITHER + "the flipped bits are in values, or in what is not read")
def damaged_mat(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    path = root / MAT
    data = path.read_bytes()
    path.write_bytes(damage(data, rng) if rng.random() < 0.4 else flip_bits(data[:4000], rng, 20) + data[4000:])
    return on(folder, assets, rng, "nyu_mat")


@case(
    "data_sets",
    EITHER + "the flipped bits are in what is not read, or the frames are still other frames of the data set",
)
def damaged_splits(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    path = root / "splits.mat"
    data = path.read_bytes()
    path.write_bytes(flip_bits(data, rng, rng.choice([1, 3, 10]), 124) if rng.random() < 0.7 else damage(data, rng))
    return on(folder, assets, rng, "nyu_mat")


@case("data_sets")
def splits_that_mean_nothing(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    train = np.array([[1], [3]], "u2")
    tests = [
        [[2.5], [4.0]], [[0], [4]], [[5], [4]], [[-1], [4]], [[2], [2]], [[1], [2]], [[np.nan], [4]], [[np.inf], [4]],
        [[2 + 1j], [4]], "2 4", [["2"], ["4"]], {"a": 2}, [], [[1e300], [4]], np.array([[2], [2**63]], "u8"),
        [[True], [False]], np.array([[2, "a"]], object),
    ]  # fmt: skip
    variables = {"trainNdxs": train, "testNdxs": tests[rng.randrange(len(tests))]}
    if rng.random() < 0.15:
        del variables[rng.choice(["trainNdxs", "testNdxs"])]
    savemat(root / "splits.mat", variables, do_compression=rng.random() < 0.5)
    return on(folder, assets, rng, "nyu_mat")


@case("data_sets")
def a_mat_that_declares_a_huge_array(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    side = rng.choice([10**6, 60_000, 40_000])
    frames, depths = (4, 3, side, side), (4, side, side)
    (root / MAT).unlink()
    with h5py.File(root / MAT, "w") as file:
        file.create_dataset("images", frames, "u1", chunks=(1, 1, 64, 64))
        file.create_dataset("rawDepths", depths, "f4", chunks=(1, 64, 64))
    command = assets.test_on(folder, "type='NYUDepthV2', data_root='nyu_mat', split='test'")
    return rng.choice([command, ["prepare-nyu", "nyu_mat", "--out", "converted"]])


@case("data_sets")
def a_mat_with_other_things(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    name = rng.choice(["images", "rawDepths"])
    with h5py.File(root / MAT, "a") as file:
        del file[name]
        what = rng.choice(["nothing", "group", "null", "text", "type", "shape", "link", "few", "zero"])
        if what == "group":
            file.create_group(name)
        elif what == "null":
            file[name] = h5py.Empty("u1")
        elif what == "text":
            file[name] = "abc"
        elif what == "type":
            file[name] = np.zeros((4, 3, 64, 64) if name == "images" else (4, 64, 64), "c8")
        elif what == "shape":
            file[name] = np.zeros((4, 64, 3, 64), "u1")
        elif what == "link":
            file[name] = h5py.ExternalLink("/dev/zero", "/x")
        elif what == "few":
            file[name] = np.zeros((3, 3, 64, 64) if name == "images" else (3, 64, 64), "u1")
        elif what == "zero":
            file[name] = np.zeros((0, 3, 64, 64) if name == "images" else (0, 64, 64), "u1")
    return assets.test_on(folder, "type='NYUDepthV2', data_root='nyu_mat', split='test'")


@case("data_sets")
def odd_scenes_in_a_mat(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    with h5py.File(root / MAT, "a") as file:
        kind = rng.choice(["null", "numbers", "references", "dots", "long", "few", "codes"])
        if kind == "null":
            file["scenes"] = h5py.Empty("u2")
        elif kind == "numbers":
            file["scenes"] = np.arange(4)
        elif kind == "few":
            file["scenes"] = np.array([], dtype=h5py.ref_dtype)
        else:
            text = {"dots": "../../x", "long": "a" * 100_000, "codes": "a\0b", "references": ""}[kind]
            file["name"] = np.array([ord(letter) for letter in text], "u4" if kind == "codes" else "u2")
            target = file["/"].ref if kind == "references" else file["name"].ref
            file.create_dataset("scenes", data=np.array([target] * 4, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
    return ["prepare-nyu", "nyu_mat", "--out", "converted"]


@case("data_sets")
def not_a_file_in_sync_folders(folder, rng, assets):
    """`--check` says it of every kind of thing that is not a file."""
    root = assets.copy("nyu_sync", folder)
    name = rng.choice(["scene/rgb_00002.png", "scene/sync_depth_00003.png", "test.txt", "train.txt"])
    replace_by_something_else(root / name, rng)
    command = on(folder, assets, rng, "nyu_sync")
    if name == "train.txt" and command[0] == "test":  # which a test does not read
        command = ["prepare-nyu", "nyu_sync", "--check"]
    return Attempt(command, REFUSED)


@case("data_sets")
def not_a_file_in_mat(folder, rng, assets):
    root = assets.copy("nyu_mat", folder)
    replace_by_something_else(root / rng.choice([MAT, "splits.mat"]), rng)
    return on(folder, assets, rng, "nyu_mat")


@case("data_sets")
def not_a_file_in_h5(folder, rng, assets):
    root = assets.copy("nyu_h5", folder)
    replace_by_something_else(root / "val" / "official" / "1.h5", rng)
    return on(folder, assets, rng, "nyu_h5")


@case("data_sets", EITHER + "the flipped bits are in values, or in what is not read")
def damaged_h5(folder, rng, assets):
    root = assets.copy("nyu_h5", folder)
    path = root / "val" / "official" / "1.h5"
    data = path.read_bytes()
    path.write_bytes(damage(data, rng) if rng.random() < 0.4 else flip_bits(data[:3000], rng, 20) + data[3000:])
    return on(folder, assets, rng, "nyu_h5")


@case("data_sets")
def an_h5_that_declares_a_huge_array(folder, rng, assets):
    root = assets.copy("nyu_h5", folder)
    path = root / "val" / "official" / "1.h5"
    side = rng.choice([10**6, 60_000])
    with h5py.File(path, "w") as file:
        huge = rng.choice(["rgb", "depth"])
        file.create_dataset("rgb", (3, side, side) if huge == "rgb" else (3, 64, 64), "u1", chunks=(3, 64, 64))
        file.create_dataset("depth", (side, side) if huge == "depth" else (64, 64), "f4", chunks=(64, 64))
    return deep(folder, assets, rng, "nyu_h5")


@case("data_sets", EITHER + "the damage lies in pixels, or in bytes that a decoder does not check")
def damaged_sync_files(folder, rng, assets):
    root = assets.copy("nyu_sync", folder)
    damage_file(root / "scene" / rng.choice(["rgb_00002.png", "sync_depth_00003.png"]), rng)
    return deep(folder, assets, rng, "nyu_sync")
