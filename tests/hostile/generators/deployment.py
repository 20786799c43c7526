"""Runtimes, exported files, folders of images and data sets on many machines: what is asked of them in vain."""

import io
import os
import tarfile

from ..case import EITHER, Attempt, case
from ..damage import damage

NAMES = ["foo", "", "ONNX", "torch,onnx", "onnx:float32", "../x", "None"]
COUNT = ["0", "-1", "1.5", "nan", "foo", "", "1e9", "99999999999999999999"]
INPUTS = [
    "none", "empty", "pipe", "taken", "none/*.jpg", "{0..9", "{9..0}.tar", "", "/dev/null", "s3://", "foo://bucket/x",
    "memory://nothing", "file:///nothing", "x" * 300,
]  # fmt: skip
PLACES = ["/proc/nothing", "/dev/null", "taken", "taken/below", "", "x" * 300]


def _make_places(folder):
    (folder / "taken").write_text("mine")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")


@case("deployment")
def runtimes_that_cannot_be(folder, rng, assets):
    _make_places(folder)
    options = [
        ["--runtime", rng.choice(NAMES)],
        ["--precision", rng.choice(["foo", "", "bf16", "half", "fp32", "float64"])],
        ["--precision", "int8"],
        ["--precision", "int8", "--runtime", "torch"],
        ["--runtime", "onnx", "--precision", rng.choice(["bfloat16", "float16"])],
        ["--runtime", "onnx", "--precision", "int8", "--calibration", rng.choice(["empty", "pipe", "none", *PLACES])],
        ["--runtime", "onnx", "--device", rng.choice(["cuda", "mps", "cuda:99"])],
        ["--calibration", str(assets.folder)],
        ["--max-error", rng.choice(["0", "-1", "nan", "foo", ""])],
    ]
    image = str(assets.path("image.png"))
    return [*rng.choice([["predict", image], assets.predict(image)]), *rng.choice(options)]


@case("deployment")
def exports_that_cannot_be(folder, rng, assets):
    _make_places(folder)
    options = [
        ["--size", rng.choice(["0x0", "64", "64x", "x64", "-64x64", "64x64x64", "1x1", "65x64", "foo", "", "1e9x1e9"])],
        ["--size", "999999x999999"],
        ["--precision", rng.choice(["foo", "bfloat16", "int8"])],
        ["--precision", "int8", "--calibration", rng.choice(["empty", "pipe", "none", *PLACES])],
        ["--format", rng.choice(NAMES)],
    ]
    return ["export", str(assets.weights), "--out", rng.choice(["a.onnx", "a.pt2"]), *rng.choice(options)]


@case("deployment", EITHER + "a folder may have images, and a search may find them below it")
def folders_and_their_options(folder, rng, assets):
    _make_places(folder)
    images = folder / "images"
    for name in rng.sample(["a", "b/a", "b/c/a", ".hidden/a", "d.png/a", "b/\udcff", "é/" + "x" * 200], 3):
        path = images / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.png").write_bytes(assets.path("image.png").read_bytes())
    if rng.random() < 0.3:
        damaged = rng.choice([path for path in images.rglob("*.png") if path.is_file()])
        damaged.write_bytes(damage(damaged.read_bytes(), rng))
    if rng.random() < 0.3:
        (images / "loop").symlink_to(images)
    argv = assets.predict(images)
    for _ in range(rng.randint(1, 3)):
        argv += rng.choice(
            [
                ["--recursive"],
                ["--skip-existing"],
                ["--batch-size", rng.choice(COUNT)],
                ["--batch-size", "3"],
                ["--max-megapixels", rng.choice([*COUNT, "0.01"])],
                ["--out", rng.choice(["images", "images/out", *PLACES])],
                ["--range", "shared"],
                ["--contact-sheet", "sheet.png"],
            ]
        )
    return Attempt(argv, statuses=(0, 1, 2))


@case("deployment")
def data_sets_for_many_machines(folder, rng, assets):
    given = rng.choice(INPUTS)
    _make_places(folder)
    valid = str(assets.path("image.png"))
    attempts = [
        [given, "out"],
        [valid, rng.choice(PLACES)],
        [
            valid,
            "out",
            "--ray-address",
            rng.choice(["127.0.0.1:1", "foo", "127.0.0.1", "host:foo", ":", "", "[::1]:1"]),
        ],
        [valid, "out", "--format", rng.choice(NAMES)],
        [valid, "out", "--outputs", rng.choice(["foo", "", "+", "all,foo", "mesh,foo"])],
        [valid, "out", "--images-per-shard", rng.choice([count for count in COUNT if count != "1e9"])],
        [valid, "out", rng.choice(["--actors", "--cpus-per-actor"]), rng.choice(["0", "-1", "foo", "", "999999"])],
        [valid, "out", "--weights", rng.choice(["none.pth", "taken", "pipe", ""])],
        [valid, "out", "--precision", "int8"],
        [valid],
        [],
    ]
    return ["predict-dataset", *rng.choice(attempts)]


@case("deployment")
def shards_that_cannot_be_read(folder, rng, assets):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as opened:
        opened.add(assets.path("image.png"), "a.png")
    name = rng.choice(["a.tar", "a.tgz", "a.tar.gz", "a.parquet"])
    content = rng.choice([b"", b"PAR1" * 3, content.getvalue()[: rng.randint(1, 400)], rng.randbytes(2000)])
    (folder / name).write_bytes(content)
    # Without room for a predictor, the command must end before anything is started: the input is looked at first.
    return ["predict-dataset", name, "out", "--weights", "none.pth"]


@case("deployment")
def pages_that_cannot_be_written(folder, rng, assets):
    _make_places(folder)
    return rng.choice(
        [
            ["static-page", "--out", rng.choice(PLACES), "--onnxruntime-web", "."],
            [
                "static-page",
                "--out",
                "site",
                "--onnxruntime-web",
                rng.choice(["", "none", "empty", "pipe", "/dev/null"]),
            ],
            ["static-page", "--out", "site", "--weights", rng.choice(["none.pth", "taken", "pipe", "", "."])],
            ["static-page"],
        ]
    )
