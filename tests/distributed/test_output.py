import json
import os
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from depthkit.distributed.output import Output
from depthkit.distributed.plan import make_plan
from depthkit.distributed.predict import Resources, predict_dataset
from depthkit.distributed.shard_work import work_on
from depthkit.errors import InputError
from depthkit.utils.input_files import MAX_PIXELS
from depthkit.utils.storage import Place
from light_model import LightModel, LightPredictor, prepare

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
    path = images / "z.png"
    path.write_bytes(path.read_bytes())  # of the same size, at another time
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
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


def test_what_was_claimed_is_released_unless_work_has_begun(tmp_path) -> None:
    output = Output(Place(tmp_path / "out"), SETTINGS, "webdataset", resume=False)
    with pytest.raises(InputError, match="no model"), output.released_on_error():
        output.claim()
        raise InputError("no model")
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(InputError, match="lost"), output.released_on_error():
        output.claim()
        (tmp_path / "out" / "shard-000000.tar").touch()
        raise InputError("lost")
    with pytest.raises(InputError, match="has results of this data set already"):
        Output(output.place, SETTINGS, "webdataset", resume=False)


def test_where_nothing_is_to_be_done_neither_ray_nor_the_model_is_needed(images, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("depthkit.distributed.predict.ray_cluster", lambda *given: pytest.fail("Ray is started"))
    plan, work = prepare(images, tmp_path / "out", per_shard=4)
    first = Output(work.output, SETTINGS, "webdataset", resume=False)
    first.claim()
    for unit in plan.units:
        work_on(unit, LightPredictor(), work)
    output = Output(work.output, SETTINGS, "webdataset", resume=True)
    model = SimpleNamespace(weights=tmp_path / "none")
    done = predict_dataset(plan, work, model, output, Resources(1, "cpu", None))
    assert done.resumed == 2 and done.manifest["complete"]


def test_machines_that_do_not_fit_leave_the_output_as_it_was(images, tmp_path, monkeypatch) -> None:
    ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": {"CPU": 2.0}}])
    monkeypatch.setattr("depthkit.distributed.predict.ray_cluster", lambda *given: nullcontext(ray))
    plan, work = prepare(images, tmp_path / "out")
    output = Output(work.output, SETTINGS, "webdataset", resume=False)
    with pytest.raises(InputError, match="64 cores and 0 GPUs, but no machine has them"):
        predict_dataset(plan, work, LightModel(tmp_path, 0.0), output, Resources(64, "cpu", None))
    assert not (tmp_path / "out").exists()


def test_an_output_that_exists_is_refused(tmp_path) -> None:
    place = Place(tmp_path / "out")
    for _ in range(2):  # until something is claimed, nothing is there
        first = Output(place, SETTINGS, "webdataset", resume=False)
    first.claim()
    with pytest.raises(InputError, match="has results of this data set already; give --resume"):
        Output(place, SETTINGS, "webdataset", resume=False)
    Output(place, SETTINGS, "webdataset", resume=True)
    Output(place, {**SETTINGS, "max_pixels": MAX_PIXELS}, "webdataset", resume=True)  # which was not noted at first
    with pytest.raises(InputError, match=r"made otherwise \(max_pixels 190000000, now 1000\)"):
        Output(place, {**SETTINGS, "max_pixels": 1000}, "webdataset", resume=True)
    other = {**SETTINGS, "model": {"weights": "abd"}, "focal": 500.0}
    with pytest.raises(InputError, match=r'made otherwise \(focal null, now 500.0; model.weights "abc", now "abd"'):
        Output(place, other, "webdataset", resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("")
    with pytest.raises(InputError, match="has files in it that are no results of a data set"):
        Output(Place(tmp_path / "other"), SETTINGS, "webdataset", resume=True)
    (tmp_path / "out" / "dataset.json").write_text("[")
    with pytest.raises(InputError, match="dataset.json: is damaged"):
        Output(place, SETTINGS, "webdataset", resume=True)
