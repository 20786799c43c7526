"""`depthkit predict-dataset`: from a folder to shards on this machine, and what cannot be used."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthkit.utils.io import read_depth, write_rgb


@pytest.fixture(autouse=True)
def needs_ray() -> None:
    for package in ("ray", "pyarrow"):
        pytest.importorskip(package, reason="needs the extra [ray]")


@pytest.fixture
def images(tmp_path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(3):
        write_rgb(folder / f"{i}.png", np.random.default_rng(i).integers(0, 256, (40, 50, 3), np.uint8))
    (folder / "damaged.jpg").write_bytes(b"none")
    return folder


@pytest.mark.slow
def test_a_folder_becomes_shards_with_the_depth_that_predict_gives(cli, cli_process, images, tmp_path) -> None:
    out = tmp_path / "out"
    command = ("predict-dataset", images, out, "--images-per-shard", 2, "--actors", 1, "--device", "cpu")
    done = cli_process(*command)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ("note: no --model or --weights: rooms-deit-tiny, which comes with depthkit\n"), (
        "nothing of Ray's"
    )
    assert done.stdout.startswith(f"{images}: 4 images, 2 shards of results\n4 images in 2 shards (2 new, in ")
    assert done.stdout.count("\n") == 2 and done.stdout.endswith(f"1 image with errors; {out}/manifest.json\n")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["images"], manifest["errors"], manifest["model"]["keep_rate"]) == (4, 1, None)
    assert cli("predict", images / "0.png", "--out", tmp_path / "one", "--device", "cpu").returncode == 0
    with tarfile.open(out / "shard-000000.tar") as file:
        (tmp_path / "0.png").write_bytes(file.extractfile("0.depth.png").read())
    np.testing.assert_allclose(read_depth(tmp_path / "0.png"), read_depth(tmp_path / "one" / "0_depth.png"), atol=2e-3)
    assert Image.open(tmp_path / "0.png").text["model"] == "rooms-deit-tiny"
    again = cli(*command, "--resume")
    assert again.returncode == 0 and "(0 new" in again.stdout, "without Ray, because all is there"
    again = cli(*command, "--resume", "--focal", "50")
    assert again.returncode == 2 and "has results that were made otherwise (focal null, now 50.0)" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "out"], "none: there are no images, tar files or Parquet files there"),
        (["images", "images/out"], "lies in the data set"),
        (["images", "out", "--ray-address", "127.0.0.1:1"], "--ray-address 127.0.0.1:1: cannot be used (Connection"),
        (["images", "out", "--ray-address", "x"], "--ray-address x: expected HOST:PORT of a Ray cluster"),
        (["images", "full"], "full: has files in it that are no results of a data set"),
        (["images", "out", "--outputs", "depht"], "output 'depht': expected names among"),
        (["images", "out", "--weights", "none.pth"], "none.pth: no such checkpoint file"),
        (["images", "out", "--focal", "0"], "focal: '0' is not a focal length"),
        (["images", "out", "--model", "nothing"], "nothing"),
        (["images", "out", "--precision", "int8"], "runtime torch: does not compute in int8"),
        (
            ["images", "out", "--runtime", "onnx", "--precision", "bfloat16"],
            "runtime onnx: does not compute in bfloat16",
        ),
        (["", "out"], "the empty text does not name a folder"),
        (["images", ""], "the empty text does not name a folder"),
        (["nothing://x", "out"], "files of 'nothing' cannot be read here"),
    ],
)
def test_bad_input_is_one_sentence_before_ray_starts(cli, images, tmp_path, monkeypatch, arguments, message) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    model = [] if "--model" in arguments or "--weights" in arguments else ["--model", "rooms-deit-tiny"]
    done = cli("predict-dataset", *arguments, *model)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "out").exists() and not (images / "out").exists()
