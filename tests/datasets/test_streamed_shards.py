import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from depthkit.datasets import ImageFolder, StreamedShards
from depthkit.datasets.shards import list_shard
from depthkit.errors import InputError
from depthkit.utils.config import load_config
from depthkit.utils.io import write_rgb

PIPELINE = [dict(type="PackDepthInputs")]


@pytest.fixture(autouse=True)
def needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Four tar files with 1, 2, 3 and 4 images."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for i in range(4):
        with tarfile.open(folder / f"{i}.tar", "w") as tar:
            for j in range(i + 1):
                path = tmp_path / f"{j}.png"
                write_rgb(path, np.random.default_rng((i, j)).integers(0, 256, (8, 9, 3), np.uint8))
                tar.add(path, arcname=f"x/{path.name}")
            tar.add(__file__, arcname="notes.txt")
    return folder


@pytest.fixture
def bucket(shards: Path) -> str:
    """The same in a file system that is not this machine's."""
    import fsspec

    memory = fsspec.filesystem("memory")
    folder = f"/{shards.parent.name}"
    for path in shards.iterdir():
        memory.pipe(f"{folder}/{path.name}", path.read_bytes())
    yield f"memory:/{folder}"
    memory.rm(folder, recursive=True)


def pixels(dataset) -> list[np.ndarray]:
    return [dataset[i]["inputs"].numpy() for i in range(len(dataset))]


@pytest.mark.parametrize("where", ["here", "bucket"])
def test_the_samples_are_those_of_the_folder(shards, bucket, tmp_path, where) -> None:
    streamed = StreamedShards(shards if where == "here" else bucket, tmp_path / "cache", pipeline=PIPELINE)
    plain = ImageFolder(shards, pipeline=PIPELINE)
    assert streamed.counts == [1, 2, 3, 4] and len(streamed) == len(plain) == 10
    for one, other in zip(pixels(streamed), pixels(plain), strict=True):
        np.testing.assert_array_equal(one, other)
    assert streamed.get_data_info(9)["img_path"].endswith("3.tar/x/3.png")
    assert len(list((tmp_path / "cache").glob("*.tar"))) == (0 if where == "here" else 4)


def test_every_nth_shard_is_held_out(bucket, tmp_path) -> None:
    parts = {
        split: StreamedShards(f"{bucket}/*.tar", tmp_path, split=split, hold_out_every=2).counts
        for split in ("train", "val")
    }
    assert parts == {"train": [1, 3], "val": [2, 4]}


def test_copies_stay_within_their_room(bucket, shards, tmp_path) -> None:
    size = (shards / "0.tar").stat().st_size
    dataset = StreamedShards(bucket, tmp_path / "cache", cache_gb=2.5 * size / 1e9, pipeline=PIPELINE)
    expected = pixels(ImageFolder(shards, pipeline=PIPELINE))
    for i in np.random.default_rng(0).integers(0, 10, 40):
        np.testing.assert_array_equal(dataset[int(i)]["inputs"].numpy(), expected[i])
        assert len(list((tmp_path / "cache").glob("*.tar"))) <= 2


def test_what_sizes_json_says_is_not_counted_again(bucket, shards, tmp_path) -> None:
    sizes = {f"{i}.tar": i + 1 for i in range(4)}
    (shards / "sizes.json").write_text(json.dumps(sizes))
    assert StreamedShards(shards, tmp_path).counts == [1, 2, 3, 4]
    (shards / "sizes.json").write_text(json.dumps({**sizes, "1.tar": 7}))
    with pytest.raises(InputError, match=r"1.tar: has 2 images, but 7 were counted; write sizes.json again"):
        StreamedShards(shards, tmp_path, pipeline=PIPELINE)[1]
    (shards / "sizes.json").write_text(json.dumps({"0.tar": 1}))
    with pytest.raises(InputError, match="sizes.json: does not say how many images '1.tar' has"):
        StreamedShards(shards, tmp_path)


def test_a_damaged_image_is_skipped_and_named(shards, tmp_path) -> None:
    path = shards / "0.tar"
    content = bytearray(path.read_bytes())
    (place,) = list_shard(path).values()
    content[place["offset"] : place["offset"] + 40] = bytes(40)
    path.write_bytes(content)
    dataset = StreamedShards(shards, tmp_path, pipeline=PIPELINE, skip_damaged=True)
    assert dataset[0]["data_samples"].img_path.endswith("1.tar/x/0.png")
    assert dataset.damaged.nonzero().flatten().tolist() == [0]
    with pytest.raises(InputError, match="0.tar/x/0.png"):
        StreamedShards(shards, tmp_path, pipeline=PIPELINE)[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_root": "none"}, "none: has 0 tar files, of which none is for split 'all'"),
        ({"split": "val", "hold_out_every": 9}, "has 4 tar files, of which none is for split 'val'"),
        ({"split": "val"}, "split='val', hold_out_every=None"),
        ({"cache_gb": 0}, "cache_gb"),
    ],
)
def test_bad_input_is_one_sentence(shards, tmp_path, options, message) -> None:
    with pytest.raises(InputError, match=message):
        StreamedShards(**{"data_root": str(shards), "cache": tmp_path / "cache", **options})


def test_a_cut_tar_file_is_one_sentence(bucket, tmp_path) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe(f"/{tmp_path.name}/1.tar", b"not a tar file" * 100)
    with pytest.raises(InputError, match="1.tar: cannot be read .*; expected a tar file that is not compressed"):
        StreamedShards(bucket, tmp_path / "cache")


def test_one_setting_of_the_config_chooses_it() -> None:
    config = load_config("distill_depth_tosa_tiny", {"shard_cache": "/mnt/cache", "data_root": "s3://bucket/shards"})
    for loader, split in ((config.train_dataloader, "train"), (config.val_dataloader, "val")):
        found = loader.dataset
        assert (found.type, found.cache, found.split) == ("StreamedShards", "/mnt/cache", split)
        assert found.data_root == "s3://bucket/shards" and found.skip_damaged
    assert config.train_dataloader.sampler.type == "ShardSampler"
    assert config.train_dataloader.multiprocessing_context == config.val_dataloader.multiprocessing_context == "spawn"
    alone = load_config("distill_depth_tosa_tiny", {"shard_cache": "/mnt/cache", "workers": 0})
    assert "multiprocessing_context" not in alone.train_dataloader
    plain = load_config("distill_depth_tosa_tiny").train_dataloader
    assert (plain.dataset.type, plain.sampler.type) == ("ImageFolder", "DefaultSampler")
