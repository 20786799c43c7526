import os

import pytest

from depthkit.distributed.plan import make_plan, shard_name
from depthkit.distributed.shard_work import work_on
from depthkit.errors import InputError
from light_model import LightPredictor, prepare


def test_images_are_put_together_in_order(images) -> None:
    plan = make_plan(str(images), 3)
    assert plan.form == "images" and plan.images == 7
    assert [unit.files for unit in plan.units] == [
        ("a.png", "b.png", "damaged.jpg"),
        ("sub/a.b.png", "sub/a.jpg", "sub/a.png"),
        ("z.png",),
    ]
    assert make_plan(f"{images}/*.png", 3).units[0].files == ("a.png", "b.png", "z.png")
    assert make_plan(f"{images}/sub/a.jpg", 3).units[0].files == ("a.jpg",)


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_a_file_of_images_is_a_unit(tar, parquet, form) -> None:
    path = tar if form == "webdataset" else parquet
    for address in (path, path.parent, path.parent / "*"):
        plan = make_plan(str(address), 2)
        assert (plan.form, plan.images) == (form, None)
        assert [unit.files for unit in plan.units] == [(path.name,)]
    assert (shard_name(12, "webdataset"), shard_name(0, "parquet")) == ("shard-000012.tar", "shard-000000.parquet")


def test_the_fingerprint_tells_another_data_set(images) -> None:
    first = make_plan(str(images), 3)
    assert make_plan(str(images), 3).units == first.units
    assert make_plan(str(images), 4).fingerprint != first.fingerprint
    (images / "z.png").write_bytes(b"other")
    changed = make_plan(str(images), 3)
    assert changed.fingerprint == first.fingerprint and changed.units[:-1] == first.units[:-1]
    assert changed.units[-1].size == len(b"other") != first.units[-1].size
    (images / "z.png").rename(images / "y.png")
    assert make_plan(str(images), 3).fingerprint != first.fingerprint


def test_names_that_need_care(images, tmp_path) -> None:
    """An underscore, brackets, and bytes that are no text."""
    names = ["_DSC1.png", "br[1]/a?.png", os.fsdecode(b"\xff.png")]
    for name in names:
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes((images / "a.png").read_bytes())
    plan, work = prepare(tmp_path / "x", tmp_path / "out")
    assert plan.units[0].files == tuple(names)
    assert work_on(plan.units[0], LightPredictor(), work).errors == 0
    for address in ("br[1]", "br[1]/a?.png"):
        assert make_plan(f"{tmp_path}/x/{address}", 1).units[0].files == ("a?.png",)


def test_several_forms_or_none_are_one_sentence(images, tmp_path) -> None:
    (images / "x.tar").write_bytes(b"")
    with pytest.raises(InputError, match="has files of several forms .*; choose one by a glob"):
        make_plan(str(images), 3)
    for nothing in (tmp_path / "none", images / "notes.txt", images / "*.exr"):
        with pytest.raises(InputError, match="there are no images, tar files or Parquet files"):
            make_plan(str(nothing), 3)
