"""Predict a data set: Ray Data deals its units out to predictors on many machines."""

import json
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from depthkit import __version__
from depthkit.distributed.cluster import ray_cluster
from depthkit.distributed.model_source import ModelSource
from depthkit.distributed.output import Output
from depthkit.distributed.plan import Plan, Unit, shard_name
from depthkit.distributed.shard_work import ATTEMPTS, Record, Work, work_on
from depthkit.errors import InputError
from depthkit.utils.console import input_error_message

if TYPE_CHECKING:
    from types import ModuleType

_MOST_TASKS = 10_000  # that Ray keeps; each has several units where there are more
_NOT_STARTED = -1  # in place of a unit's number


@dataclass(frozen=True)
class Resources:
    """What Ray gives to each predictor.

    Attributes:
        cpus: cores of each.
        device: ``cuda``: each has a GPU; ``cpu``: none; ``auto``: a GPU if the cluster has any.
        actors: how many predictors there may be; None: as many as the cluster has room for, also after it has grown.
    """

    cpus: int
    device: str
    actors: int | None


@dataclass(frozen=True)
class Summary:
    """What was done.

    Attributes:
        manifest: see `Output.write_manifest`.
        resumed: how many shards were finished before.
    """

    manifest: dict[str, Any]
    resumed: int


def describe(plan: Plan, work: Work, model: ModelSource) -> dict[str, Any]:
    """Return what makes the results what they are; where it differs, an output is not resumed."""
    return {
        "version": __version__,
        "input": str(work.folder),
        "files": plan.fingerprint,
        "units": len(plan.units),
        "format": work.format,
        "outputs": work.outputs,
        "column": work.column,
        "focal": work.focal,
        "max_pixels": work.max_pixels,
        "model": model.describe(),
    }


def predict_dataset(
    plan: Plan,
    work: Work,
    model: ModelSource,
    output: Output,
    resources: Resources,
    address: str | None = None,
    local_cpus: int | None = None,
) -> Summary:
    """Predict all units that are not finished, with a progress bar on a terminal, and write the manifest.

    Ray starts and ends predictors as there is room and work, sends a unit only to one that is free, and gives the units
    of a process or machine that is lost to another. Each unit is one shard with one name, so nothing is there twice.

    Args:
        plan: the data set.
        work: what to do with it.
        model: which model.
        output: of the results.
        resources: of each predictor.
        address: see `ray_cluster`.
        local_cpus: how many cores Ray may use if it is started here; None: all.

    Raises:
        InputError: Ray or the model cannot be used; or no unit could be done. Units that cannot be done are in the
            manifest's ``failed``, and reported on stderr.
    """
    finished = output.finished(plan.units)
    units = [unit for unit in plan.units if unit.number not in finished]
    records, failed = dict(finished), {}
    if units:
        content = model.weights.read_bytes()
        with output.released_on_error(), ray_cluster(address, local_cpus, len(content)) as ray:
            gpus = _choose_gpus(ray, resources)
            room = _count_room(ray, resources.cpus, gpus, address)
            output.claim()
            most = min(len(units), resources.actors or len(units))
            rows = _run(ray, units, work, model, content, (resources.cpus, gpus), (max(1, min(room, most)), most))
            for row in tqdm(_told(ray, rows), total=len(plan.units), initial=len(finished), unit="shard", disable=None):
                if row["number"] == _NOT_STARTED:
                    if row["record"] is not None:
                        raise RuntimeError(row["record"]["bug"])
                    raise InputError(row["error"])
                if row["error"]:
                    failed[row["number"]] = row["error"]
                    tqdm.write(f"error: {shard_name(row['number'], work.format)}: {row['error']}", file=sys.stderr)
                else:
                    records[row["number"]] = Record(**row["record"])
        output.place.remove(ATTEMPTS)
    failed = {shard_name(number, work.format): failed[number] for number in sorted(failed)}
    return Summary(output.write_manifest(list(records.values()), failed), len(finished))


class _Predictor:
    """An actor of Ray Data: a model that is loaded once and then works on unit after unit."""

    def __init__(self, model: ModelSource, content: Any, work: Work, device: str) -> None:
        import ray
        import torch

        self._work, self._problem = work, None
        torch.set_num_threads(max(1, work.threads))
        try:
            self._predictor = model.load(device, ray.get(content))
        except InputError as error:
            self._problem = str(error)

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        return {"json": json.dumps(self._answer(json.loads(row["json"])))}

    def _answer(self, given: dict[str, Any]) -> dict[str, Any]:
        if self._problem is not None:
            return {"number": _NOT_STARTED, "error": self._problem, "record": None}
        number = given["number"]
        try:
            unit = Unit(**{**given, "files": tuple(given["files"])})
            record = work_on(unit, self._predictor, self._work)
        except Exception as error:
            problem = input_error_message(error)
            if problem is None:
                return {"number": _NOT_STARTED, "error": "", "record": {"bug": traceback.format_exc()}}
            return {"number": number, "error": problem, "record": None}
        return {"number": number, "error": "", "record": asdict(record)}


def _run(
    ray: "ModuleType",
    units: Sequence[Unit],
    work: Work,
    model: ModelSource,
    content: bytes,
    each: tuple[int, int],
    actors: tuple[int, int],
) -> Iterator[dict[str, str]]:
    """Yield one row for each unit, in the order in which they end.

    Args:
        ray: the module.
        units: what is to be done.
        work: how.
        model: by which model.
        content: of its file of weights.
        each: cores and GPUs of a predictor.
        actors: how many predictors to begin with, and how many at most.
    """
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = False
    rows = [{"json": json.dumps(asdict(unit))} for unit in units]  # in ASCII: names of files may be no text
    data = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_TASKS))
    pool = ray.data.ActorPoolStrategy(
        min_size=1, initial_size=actors[0], max_size=actors[1], max_tasks_in_flight_per_actor=2
    )
    done = data.map(
        _Predictor,
        fn_constructor_kwargs={
            "model": model,
            "content": ray.put(content),
            "work": work,
            "device": "cuda" if each[1] else "cpu",
        },
        compute=pool,
        num_cpus=each[0],
        num_gpus=each[1],
    )
    return done.iter_rows()


def _told(ray: "ModuleType", rows: Iterator[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield what `rows` say; say in one sentence that a machine lacks depthkit."""
    try:
        for row in rows:
            yield json.loads(row["json"])
    except ray.exceptions.RayError as error:
        missing = re.search(r"No module named '([\w.]+)'", str(error))
        if missing is None:
            raise
        raise InputError(
            f"a machine of the cluster cannot import {missing[1]}; install depthkit[ray] {__version__} on all of them"
        ) from error


def _choose_gpus(ray: "ModuleType", resources: Resources) -> int:
    if resources.device == "auto":
        return int(ray.cluster_resources().get("GPU", 0) >= 1)
    return int(resources.device == "cuda")


def _count_room(ray: "ModuleType", cpus: int, gpus: int, address: str | None) -> int:
    """Return for how many predictors the machines of a cluster have room now.

    Raises:
        InputError: for none, on this machine alone; a cluster may grow, so there it is a warning.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    rooms = [one.get("CPU", 0) // cpus for one in machines]
    if gpus:
        rooms = [min(room, one.get("GPU", 0) // gpus) for room, one in zip(rooms, machines, strict=True)]
    if not sum(rooms):
        most = [max((one.get(what, 0) for one in machines), default=0) for what in ("CPU", "GPU")]
        told = (
            f"a predictor is to have {cpus} cores and {gpus} GPUs, but no machine has them (at most {most[0]:g} and "
            f"{most[1]:g})"
        )
        if address is None:
            raise InputError(f"{told}; change --cpus-per-actor or --device")
        print(f"warning: {told}; waiting until the cluster grows", file=sys.stderr)
    return int(sum(rooms))
