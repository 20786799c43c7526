"""Depth maps: damaged, of other types, in wrong units, with headers that lie; and their data set's arguments."""

import io
import struct
import zipfile

import h5py
import numpy as np
from PIL import Image

from ..case import ACCEPTED, EITHER, REFUSED, Attempt, case
from ..damage import damage, damage_file, flip_bits, replace_by_something_else
from .images import png

FOLDER = "type='RGBDFolder', data_root='rgbd', depth_scale=1000, split='test'"


def depth_file(folder, assets, suffix):
    """Copy the data set and return the path of a depth map with another suffix, which is to be written."""
    root = assets.copy("rgbd", folder)
    (root / "depth" / "2.png").unlink()
    text = (root / "test.txt").read_text()
    (root / "test.txt").write_text(text.replace("depth/2.png", f"depth/2{suffix}"))
    return root / "depth" / f"2{suffix}"


def npy_header(text, version=(1, 0)):
    data = text.encode("latin-1", "replace")
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(data)) + data


@case("depth", EITHER + "the damage lies in pixels, or in bytes that a decoder does not check")
def damaged_png(folder, rng, assets):
    root = assets.copy("rgbd", folder)
    damage_file(root / "depth" / f"{rng.randrange(4)}.png", rng)
    return assets.test_on(folder, FOLDER)


@case("depth")
def not_a_file(folder, rng, assets):
    path = depth_file(folder, assets, rng.choice([".png", ".npy", ".h5", ".tiff"]))
    replace_by_something_else(path, rng)
    return assets.test_on(folder, FOLDER)


@case("depth")
def not_an_image_beside_it(folder, rng, assets):
    root = assets.copy("rgbd", folder)
    replace_by_something_else(root / "rgb" / "1.png", rng)
    return assets.test_on(folder, FOLDER)


@case("depth", EITHER + "the flipped bits are in values that stay a depth")
def damaged_npy(folder, rng, assets):
    path = depth_file(folder, assets, ".npy")
    np.save(path, np.full((64, 64), 2000, rng.choice(["u2", "f4", ">f8", "i4"])))
    data = path.read_bytes()
    path.write_bytes(damage(data, rng) if rng.random() < 0.5 else flip_bits(data[:128], rng, 3) + data[128:])
    return assets.test_on(folder, FOLDER)


@case("depth")
def odd_npy(folder, rng, assets):
    path = depth_file(folder, assets, ".npy")
    dtypes = ["c8", "U5", "S3", "M8[s]", "m8[s]", "?", "V8", [("a", "f4"), ("b", "f4")]]
    arrays = [np.zeros((64, 64), dtype) for dtype in dtypes]
    arrays += [np.zeros(shape, "f4") for shape in [(), (0,), (64,), (0, 64), (64, 64, 1), (1,) * 32, (63, 64)]]
    arrays += [np.full((64, 64), value, "f4") for value in [np.nan, np.inf, -1]]
    arrays += [np.array([[None] * 64] * 64), np.full((64, 64), 1e300), np.full((64, 64), -(2**62))]
    np.save(path, arrays[rng.randrange(len(arrays))], allow_pickle=True)
    return assets.test_on(folder, FOLDER)


@case("depth")
def another_format_with_the_suffix_of_npy(folder, rng, assets):
    path = depth_file(folder, assets, ".npy")
    stream = io.BytesIO()
    what = rng.choice(["npz", "compressed", "empty zip", "zip of zeros", "png", "h5", "text"])
    if what == "npz":
        np.savez(stream, depth=np.ones((64, 64), "f4"))
    elif what == "compressed":
        np.savez_compressed(stream, np.ones((64, 64), "f4"))
    elif what == "empty zip":
        zipfile.ZipFile(stream, "w").close()
    elif what == "zip of zeros":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("depth.npy", bytes(50_000_000))
    elif what == "png":
        stream.write((assets.path("depth.png")).read_bytes())
    elif what == "h5":
        stream.write((assets.path("nyu_h5") / "train" / "0.h5").read_bytes())
    else:
        stream.write(b"1.0 2.0\n" * 20)
    path.write_bytes(stream.getvalue())
    return assets.test_on(folder, FOLDER)


@case("depth")
def npy_with_a_header_that_lies(folder, rng, assets):
    path = depth_file(folder, assets, ".npy")
    shapes = ["(100000, 1000000)", "(2147483647, 2147483647)", "(-1, 64)", "(64, 64", "(64.5, 2)", "('a', 2)"]
    shapes += ["(10**9, 10**9)", "(" * 200 + ")" * 200, "(99999999999999999999, 1)", "None", "(60000, 60000)"]
    dtypes = ["'<f4'", "'<f8'", "'|O'", "'<f99'", "None", "'|V1000000000'", "[('a', '<f4')]", "'|b1'"]
    order = rng.choice(["True", "False", "5"])
    text = f"{{'descr': {rng.choice(dtypes)}, 'fortran_order': {order}, 'shape': {rng.choice(shapes)}, }}\n"
    if rng.random() < 0.2:
        text = rng.choice(["", "{}", "[1]", "{'descr': '<f4'}", "\0" * 50, "'" * 9000, text + " " * 60_000])
    path.write_bytes(npy_header(text, rng.choice([(1, 0), (2, 0), (3, 0), (9, 9)])) + bytes(1000))
    return assets.test_on(folder, FOLDER)


@case("depth")
def h5_with_a_header_that_lies(folder, rng, assets):
    """A file of a kilobyte that declares an array of terabytes, or one without numbers."""
    path = depth_file(folder, assets, ".h5")
    what = rng.choice(["huge", "chunked", "null", "group", "text", "complex", "scalar", "compound", "link", "loop"])
    with h5py.File(path, "w") as file:
        if what == "huge":
            file.create_dataset("depth", (10**6, 10**6), rng.choice(["f4", "u2", "f8"]), chunks=(100, 100))
        elif what == "chunked":
            side = rng.choice([60_000, 30_000])
            file.create_dataset("depth", (side, side), "f8", chunks=(side, 1), compression="gzip")
        elif what == "null":
            file["depth"] = h5py.Empty("f4")
        elif what == "group":
            file.create_group("depth")
        elif what == "text":
            file["depth"] = rng.choice(["two metres", b"x" * 100, ["a", "b"]])
        elif what == "complex":
            file["depth"] = np.zeros((64, 64), "c8")
        elif what == "scalar":
            file["depth"] = 2.0
        elif what == "compound":
            file["depth"] = np.zeros((64, 64), [("a", "f4")])
        elif what == "link":
            file["depth"] = h5py.ExternalLink(rng.choice(["/dev/zero", "nowhere.h5", "2.h5"]), "/depth")
        else:
            file["depth"] = h5py.SoftLink("/depth")
    return assets.test_on(folder, FOLDER)


@case("depth", EITHER + "the flipped bits are in values that stay a depth, or in what is not read")
def damaged_h5(folder, rng, assets):
    path = depth_file(folder, assets, ".h5")
    settings = rng.choice([{}, {"compression": "gzip"}, {"chunks": (8, 8), "fletcher32": True}, {"compression": "lzf"}])
    with h5py.File(path, "w", libver=rng.choice(["earliest", "latest"])) as file:
        file.create_dataset("depth", data=np.full((64, 64), 2000, "f4"), **settings)
    data = path.read_bytes()
    path.write_bytes(damage(data, rng) if rng.random() < 0.4 else flip_bits(data[:3000], rng, 20) + data[3000:])
    return assets.test_on(folder, FOLDER)


@case("depth")
def an_external_file_behind_h5(folder, rng, assets):
    """HDF5 may keep an array's values in any file that its header names; these would be told in metres."""
    path = depth_file(folder, assets, ".h5")
    outside = rng.choice(["/dev/zero", "/dev/urandom", "/etc/hosts", "secret.bin"])
    (path.parent / "secret.bin").write_bytes(bytes(64 * 64 * 4))
    with h5py.File(path, "w") as file:
        file.create_dataset("depth", (64, 64), "f4", external=[(outside, 0, 64 * 64 * 4)])
    return assets.test_on(folder, FOLDER)


@case("depth")
def an_image_that_is_not_depth(folder, rng, assets):
    path = depth_file(folder, assets, rng.choice([".png", ".tiff"]))
    mode = rng.choice(["L", "RGB", "P", "1", "RGBA", "LA"])
    Image.new(mode, (64, 64), 1).save(path)
    return assets.test_on(folder, FOLDER)


@case("depth")
def another_size_than_the_image(folder, rng, assets):
    path = depth_file(folder, assets, ".png")
    Image.fromarray(np.full((rng.choice([1, 63, 65]), rng.choice([1, 63, 100])), 2000, "u2")).save(path)
    return assets.test_on(folder, FOLDER)


@case("depth")
def a_png_that_declares_a_huge_map(folder, rng, assets):
    path = depth_file(folder, assets, ".png")
    path.write_bytes(png(*rng.choice([(60_000, 60_000), (2**31 - 1, 1), (30_000, 30_000)]), 16, 0, b""))
    return assets.test_on(folder, FOLDER)


@case("depth")
def float_tiff_with_odd_values(folder, rng, assets):
    path = depth_file(folder, assets, ".tiff")
    values = np.full((64, 64), 2.0, "f4")
    values[rng.randrange(64), rng.randrange(64)] = rng.choice([np.nan, np.inf, -np.inf, -1.0])
    Image.fromarray(values).save(path)
    return assets.test_on(folder, FOLDER)


@case("depth")
def arguments_that_mean_nothing(folder, rng, assets):
    assets.copy("rgbd", folder)
    argument = rng.choice([
        "depth_scale=0", "depth_scale=-1000", "depth_scale=float('nan')", "depth_scale=(1000, 1000)",
        "depth_scale='mm'", "depth_scale=None", "depth_scale=[1000]", "depth_scale='1000'", "depth_scale=1e400",
        "indices=-1", "indices=0", "indices=[5]", "indices=[-1]", "indices=1.5", "indices='1'", "indices=[]",
        "indices=[1.5]", "indices=True", "indices=[0, 0]", "indices=[True]", "indices='all'", "indices=[[0]]",
        "intrinsics=(float('nan'), 1, 1, 1)", "intrinsics=(1, 1)", "intrinsics=(0, 0, 0, 0)", "intrinsics='abc'",
        "split='val'", "split=1", "split_file='nowhere.txt'", "split_file='rgbd'", "split_file='/dev/zero'",
        "test_every=1", "test_every=0.5", "test_every=2", "rgb_dir=None", "rgb_dir='nowhere'", "data_root='nowhere'",
        "data_root='rgbd/test.txt'", "data_root=5", "data_root=''", "data_root='/dev/null'", "nonsense=1",
    ])  # fmt: skip
    name = argument.partition("=")[0]
    others = [part for part in FOLDER.split(", ") if not part.startswith(f"{name}=")]
    if name in ("rgb_dir", "data_root"):  # pairs by name
        others = [*others[:1], *others[1:-1], "split='all'"]
    if name == "split_file" or name == "split":
        others = [part for part in others if not part.startswith("split=")] + ["split='test'"] * (name != "split")
    expected = REFUSED
    if argument in ("depth_scale='1000'", "indices='1'", "indices=True", "indices=[True]", "indices=[0, 0]"):
        expected = EITHER + "arguments are converted as pydantic does, and a frame may be taken twice"
    if argument == "test_every=2":
        expected = ACCEPTED + "a list in the folder goes before test_every (data/README.md)"
    return Attempt(assets.test_on(folder, ", ".join([*others, argument])), expected)


@case(
    "depth",
    EITHER + "the median lies between 5 cm and 200 m; a warning tells it where it lies beyond the model's range",
)
def another_scale(folder, rng, assets):
    assets.copy("rgbd", folder)
    scale = 10.0 ** rng.uniform(-30, 30) if rng.random() < 0.5 else 10.0 ** rng.randint(0, 6)
    return assets.test_on(folder, FOLDER.replace("1000", repr(scale)))


@case("depth", ACCEPTED + "0 is no measurement, and other maps have some")
def a_map_without_measurements(folder, rng, assets):
    path = depth_file(folder, assets, ".png")
    Image.fromarray(np.zeros((64, 64), "u2")).save(path)
    return assets.test_on(folder, FOLDER)


@case("depth")
def no_measurements_at_all(folder, rng, assets):
    root = assets.copy("rgbd", folder)
    for path in (root / "depth").iterdir():
        Image.fromarray(np.zeros((64, 64), "u2")).save(path)
    return Attempt(assets.test_on(folder, FOLDER))
