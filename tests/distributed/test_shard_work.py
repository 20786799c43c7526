import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from depthkit.distributed.shard_work import read_record, work_on
from depthkit.errors import InputError
from light_model import LightPredictor, prepare


def read_tar(path) -> dict[str, bytes]:
    with tarfile.open(path) as file:
        names = file.getnames()
        assert len(names) == len(set(names))
        return {name: file.extractfile(name).read() for name in names}


def millimetres(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_shard_has_one_result_for_each_image(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out")
    record = work_on(plan.units[0], LightPredictor(), work)
    files = read_tar(tmp_path / "out" / "shard-000000.tar")
    rows = {name: json.loads(content) for name, content in files.items() if name.endswith(".json")}
    assert sorted(row["image"] for row in rows.values()) == list(plan.units[0].files)
    assert (record.images, record.errors, record.sources) == (7, 1, ("a.png", "z.png"))
    assert set(files) == {
        f"{key}.{ending}" for key in ("a", "b", "z", "sub/a", "sub/a_b", "sub/a_2") for ending in ("json", "depth.png")
    } | {"damaged.json"}
    for name, row in rows.items():
        assert set(row) >= {"image", "status"}
        if row["status"] == "error":
            assert "damaged" in name and "damaged.jpg: " in row["error"]
            continue
        depth = millimetres(files[name.replace(".json", ".depth.png")]) / row["png_units_per_metre"]
        red = np.asarray(Image.open(images / row["image"]).convert("RGB"))[..., 0]
        np.testing.assert_allclose(depth, red / 10, atol=5e-4)
        assert (row["height"], row["width"]) == depth.shape and row["min_depth"] == pytest.approx(depth.min())


def test_large_images_are_reduced_and_their_rows_say_so(images, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("depthkit.distributed.shard_work._LARGE", 30)
    monkeypatch.setattr("depthkit.distributed.shard_work._BATCH_PIXELS", 1)
    plan, work = prepare(images, tmp_path / "out", max_pixels=29)
    work_on(plan.units[0], LightPredictor(), work)
    files = read_tar(tmp_path / "out" / "shard-000000.tar")
    rows = [json.loads(content) for name, content in files.items() if name.endswith(".json")]
    found = {row["image"]: (row["height"], row["width"], row["reduction"]) for row in rows if row["status"] == "ok"}
    sizes = {name: Image.open(images / name).size for name in found}
    assert len(found) == 6 and {reduction for *_, reduction in found.values()} == {1, 2}
    for name, (height, width, reduction) in found.items():
        assert reduction == 1 + (sizes[name][0] * sizes[name][1] > 29)
        assert (width, height) == tuple(-(-side // reduction) for side in sizes[name])


def test_parquet_has_the_same_rows(tar, tmp_path) -> None:
    from pyarrow import parquet

    plan, work = prepare(tar, tmp_path / "out", "parquet")
    record = work_on(plan.units[0], LightPredictor(), work)
    rows = parquet.read_table(tmp_path / "out" / "shard-000000.parquet").to_pylist()
    assert (record.images, record.errors, record.sources) == (7, 1, ("00000.tar",))
    assert len({row["key"] for row in rows}) == len({row["image"] for row in rows}) == 7
    (bad,) = (row for row in rows if row["status"] == "error")
    assert bad["depth_png"] is None and "damaged" in bad["error"]
    good = [row for row in rows if row["status"] == "ok"]
    assert all(millimetres(row["depth_png"]).shape == (row["height"], row["width"]) for row in good)


def test_the_same_work_gives_the_same_bytes_and_is_done_once(images, tmp_path) -> None:
    hashes = []
    for name, batch, threads in (("one", 1, 1), ("two", 5, 4)):
        plan, work = prepare(images, tmp_path / name, batch_size=batch, threads=threads)
        hashes.append(work_on(plan.units[0], LightPredictor(), work).sha256)
    assert hashes[0] == hashes[1]
    again = LightPredictor()
    assert work_on(plan.units[0], again, work).sha256 == hashes[0] and again.calls == []


def test_a_record_that_is_damaged_is_made_again(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out", per_shard=2)
    work_on(plan.units[1], LightPredictor(), work)
    (tmp_path / "out" / "_records" / "shard-000001.json").write_text("{}")
    assert read_record(work.output, 1, "webdataset") is None
    assert work_on(plan.units[1], LightPredictor(), work).images == 2


def test_a_unit_that_cannot_be_read_leaves_nothing(tar, tmp_path) -> None:
    tar.write_bytes(tar.read_bytes()[:3000])
    plan, work = prepare(tar, tmp_path / "out")
    with pytest.raises(InputError, match="00000.tar: cannot be read"):
        work_on(plan.units[0], LightPredictor(), work)
    assert not list(tmp_path.glob("out/**/shard*"))


def test_a_focal_length_that_is_missing_is_an_error_of_the_image(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out", focal="exif")
    assert work_on(plan.units[0], LightPredictor(), work).errors == 7


def test_other_outputs(images, tmp_path) -> None:
    plan, work = prepare(f"{images}/a.png", tmp_path / "out", outputs=("npy", "disparity"))
    work_on(plan.units[0], LightPredictor(), work)
    assert set(read_tar(tmp_path / "out" / "shard-000000.tar")) == {"a.disparity.png", "a.depth.npy", "a.json"}


def test_a_unit_that_was_begun_too_often_is_given_up(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out", attempts=2)
    (tmp_path / "out" / "_attempts" / work.run).mkdir(parents=True)
    (tmp_path / "out" / "_attempts" / work.run / "0").write_text("2")
    with pytest.raises(InputError, match="the process that worked on it was lost 2 times"):
        work_on(plan.units[0], LightPredictor(), work)
    assert work_on(plan.units[0], LightPredictor(), replace(work, run="another")).images == 7
