"""Data sets on a cluster of two nodes of this machine, of which processes and a node are killed."""

import hashlib
import json
import os
import shutil
import signal
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from depthkit.distributed.output import Output
from depthkit.distributed.predict import Resources, Summary, _count_room, predict_dataset
from depthkit.errors import InputError
from depthkit.utils.io import write_rgb
from helpers import REPOSITORY, tool_environment
from light_model import LightModel, prepare

pytestmark = pytest.mark.slow

UNITS, PER_UNIT = 8, 2


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """Ray on two nodes with one core each."""
    pytest.importorskip("ray", reason="needs the extra [ray]")
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")
    from depthkit.distributed.cluster import quiet_environment

    quiet_environment()
    os.environ["PYTHONPATH"] = os.pathsep.join([tool_environment()["PYTHONPATH"], str(REPOSITORY / "tests")])
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    unused = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    health = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000}  # soon seen that one is gone
    folder = tempfile.mkdtemp(prefix="dk-ray-")  # short: sockets lie in it
    with pytest.MonkeyPatch.context() as patch:  # the note about the cluster, for which Ray makes no folder
        patch.setenv("RAY_TMPDIR", folder)
        Path(folder, "ray").mkdir()
        head = {**node, **unused, "temp_dir": folder, "_system_config": health}
        running = Cluster(initialize_head=True, head_node_args=head)
        running.add_node(**node)
        running.wait_for_nodes()
        yield running
        running.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for i in range(UNITS * PER_UNIT):
        write_rgb(folder / f"{i:03d}.png", np.full((4, 4, 3), i, np.uint8))
    return folder


def run(cluster, many: Path, out: Path, seconds: float = 0.0, actors: int | None = None) -> Summary:
    """Predict the data set."""
    plan, work = prepare(many, out, per_shard=PER_UNIT)
    output = Output(work.output, {"input": str(many)}, "webdataset", resume=out.exists())
    model = LightModel(out.parent, seconds)
    return predict_dataset(plan, work, model, output, Resources(1, "cpu", actors), cluster.address)


def check_complete(out: Path, many: Path) -> None:
    """Check that there is exactly one result for each image, and that the manifest says so."""
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["complete"] and (manifest["images"], manifest["errors"]) == (UNITS * PER_UNIT, 0)
    found: Counter[str] = Counter()
    for shard in manifest["shards"]:
        content = (out / shard["shard"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (shard["bytes"], shard["sha256"])
        with tarfile.open(out / shard["shard"]) as file:
            names = [name for name in file.getnames() if name.endswith(".json")]
            found.update(json.loads(file.extractfile(name).read())["image"] for name in names)
    assert found == Counter(path.name for path in many.iterdir())
    names = {path.name for path in out.iterdir()}
    assert names == {"dataset.json", "manifest.json", "_records", *(one["shard"] for one in manifest["shards"])}


def workers_of(node: object) -> list[int]:
    """Return the processes of a node that work for Ray's actors."""
    import psutil

    (raylet,) = node.all_processes["raylet"]
    children = psutil.Process(raylet.process.pid).children(recursive=True)
    return [one.pid for one in children if "MapWorker" in " ".join(one.cmdline())]


def test_killed_processes_and_nodes_lose_nothing_and_resume_makes_what_is_missing(cluster, many, tmp_path) -> None:
    """A worker of the first node is killed after two shards, the second node after two more."""
    out, killed = tmp_path / "out", []
    (second,) = cluster.worker_nodes

    def wait_for(shards: int) -> None:
        while len(list(out.glob("_records/*.json"))) < shards:
            time.sleep(0.02)

    def kill() -> None:
        wait_for(2)
        first = workers_of(cluster.head_node)
        assert first and workers_of(second), "both nodes work"
        os.kill(first[0], signal.SIGKILL)
        wait_for(4)
        cluster.remove_node(second, allow_graceful=False)
        killed.extend([first[0], second])

    watcher = threading.Thread(target=kill, daemon=True)
    watcher.start()
    run(cluster, many, out, seconds=0.25)
    watcher.join(1)
    assert len(killed) == 2, "both came in time"
    check_complete(out, many)

    before = {path.name: path.read_bytes() for path in out.glob("*.tar")}
    (out / "shard-000003.tar").unlink()
    (out / "_records" / "shard-000007.json").unlink()
    done = run(cluster, many, out, actors=1)
    assert done.resumed == UNITS - 2
    check_complete(out, many)
    assert {path.name: path.read_bytes() for path in out.glob("*.tar")} == before


def test_a_unit_that_ends_its_process_each_time_is_given_up(cluster, many, tmp_path, capsys) -> None:
    """A decoder that crashes, or more memory than there is; the other units are done."""
    plan, work = prepare(f"{many}/00*.png", tmp_path / "out", per_shard=5, attempts=2)
    output = Output(work.output, {}, "webdataset", resume=False)
    model = LightModel(tmp_path, 0.0)
    model.deadly = 7  # the red value of an image
    done = predict_dataset(plan, work, model, output, Resources(1, "cpu", 1), cluster.address)
    said = "the process that worked on it was lost 2 times"
    (sentence,) = done.manifest["failed"].values()
    assert said in sentence and list(done.manifest["failed"]) == ["shard-000001.tar"] and not done.manifest["complete"]
    assert not (tmp_path / "out" / "_attempts").exists()
    assert done.manifest["images"] == 5 and f"error: shard-000001.tar: {said}" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_is_one_sentence(cluster, many, tmp_path) -> None:
    plan, work = prepare(many, tmp_path / "out", per_shard=UNITS * PER_UNIT)
    output = Output(work.output, {}, "webdataset", resume=False)
    model = LightModel(tmp_path, 0)
    model.problem = "weights: are of another model"
    with pytest.raises(InputError, match="weights: are of another model"):
        predict_dataset(plan, work, model, output, Resources(1, "cpu", None), cluster.address)
    assert list((tmp_path / "out").iterdir()) == [], "so that the right command can follow"


def test_room_for_predictors_on_the_machines_there_are(capsys) -> None:
    nodes = [{"CPU": 5.0, "GPU": 2.0}, {"CPU": 8.0}, {}]
    ray = SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": one} for one in nodes])
    assert _count_room(ray, 2, 0, None) == 2 + 4
    assert _count_room(ray, 2, 1, None) == 2
    with pytest.raises(
        InputError, match="64 cores and 0 GPUs, but no machine has them .at most 8 and 2.; change --cpus"
    ):
        _count_room(ray, 64, 0, None)
    assert _count_room(ray, 64, 0, "auto") == 0
    assert "warning: a predictor is to have 64 cores" in capsys.readouterr().err
