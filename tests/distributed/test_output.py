import json

import pytest

from depthkit.distributed.output import Output
from depthkit.distributed.plan import make_plan
from depthkit.distributed.shard_work import work_on
from depthkit.errors import InputError
from depthkit.utils.storage import Place
from light_model import LightPredictor, prepare

SETTINGS = {"input": "images", "model": {"weights": "abc"}, "outputs": ("depth",), "focal": None}


def test_finished_shards_are_those_with_file_and_record(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out", per_shard=2)
    output = Output(work.output, SETTINGS, "webdataset", resume=False)
    records = [work_on(unit, LightPredictor(), work) for unit in plan.units]
    assert output.finished(plan.units) == dict(enumerate(records))
    (tmp_path / "out" / "shard-000000.tar").unlink()
    (tmp_path / "out" / "shard-000001.tar").write_bytes(b"cut")
    (tmp_path / "out" / "_records" / "shard-000002.json").unlink()
    assert output.finished(plan.units) == {3: records[3]}
    (images / "z.png").write_bytes(b"another")
    assert output.finished(make_plan(str(images), 2).units) == {}


def test_the_manifest_has_the_sums(images, tmp_path) -> None:
    plan, work = prepare(images, tmp_path / "out", per_shard=4)
    output = Output(work.output, SETTINGS, "webdataset", resume=False)
    records = [work_on(unit, LightPredictor(), work) for unit in plan.units]
    output.write_manifest(records[::-1], {})
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["images"], manifest["errors"], manifest["complete"]) == (7, 1, True)
    assert [one["shard"] for one in manifest["shards"]] == ["shard-000000.tar", "shard-000001.tar"]
    assert manifest["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tar"))
    assert manifest["input"] == "images"


def test_an_output_that_exists_is_refused(tmp_path) -> None:
    place = Place(tmp_path / "out")
    Output(place, SETTINGS, "webdataset", resume=False)
    with pytest.raises(InputError, match="has results of this data set already; give --resume"):
        Output(place, SETTINGS, "webdataset", resume=False)
    Output(place, SETTINGS, "webdataset", resume=True)
    other = {**SETTINGS, "model": {"weights": "abd"}, "focal": 500.0}
    with pytest.raises(InputError, match=r'made otherwise \(focal null, now 500.0; model {"weights": "abc"}, now'):
        Output(place, other, "webdataset", resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(InputError, match="has files in it that are no results of a data set"):
        Output(Place(tmp_path / "other"), SETTINGS, "webdataset", resume=True)
    (tmp_path / "out" / "dataset.json").write_text("[")
    with pytest.raises(InputError, match="dataset.json: is damaged"):
        Output(place, SETTINGS, "webdataset", resume=True)
