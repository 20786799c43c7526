"""The queue of trainings of a study: finished runs are skipped, and one that was stopped is resumed."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from depthkit.analysis.study.content import CONFIG, content_of
from depthkit.analysis.study.folds import Fold
from depthkit.analysis.study.saved import read_json
from depthkit.analysis.study.variants import Variant
from depthkit.apis.evaluate import evaluate
from depthkit.apis.train import train
from depthkit.engine.checkpoints import find_valid_checkpoint
from depthkit.engine.work_folder import find_periodic
from depthkit.errors import InputError
from depthkit.models.weights import METADATA_KEY, read_checkpoint
from depthkit.runtimes.names import check_cpu
from depthkit.utils.config import load_config
from depthkit.utils.output_file import atomic_path, stream_to
from depthkit.utils.stop_signals import stop_behind

RESULT, WEIGHTS, SETTINGS, ERROR = "result.json", "weights.pth", "settings.json", "error.txt"
AGAIN = "remove it, and the run is done again"
# One checkpoint is enough to resume from; the last one is measured once, not the best on the test images.
_TRAINING = {"train_cfg.val_begin": 10**6}
_TRAINING |= {"default_hooks.checkpoint.max_keep_ckpts": 1, "default_hooks.checkpoint.save_best": None}


def has_bfloat16(device: torch.device) -> bool:
    """Return whether `device` has instructions for bfloat16: without them it is only slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        check_cpu("bfloat16")
    except InputError:
        return False
    return device.type == "cpu"


@dataclass(frozen=True)
class Run:
    """One training and its evaluation, in a folder of its own.

    Attributes:
        variant: what is trained.
        seed: of weights, order and augmentation.
        fold: on which data.
        folder: of its files.
        options: changes of the variant's config.
        protocols: under which it is evaluated, with the metrics of boundaries.
        content: see `content_of`; empty: not compared.
    """

    variant: Variant
    seed: int
    fold: Fold
    folder: Path
    options: dict[str, Any]
    protocols: Sequence[str]
    content: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """What makes two runs the same, as JSON holds it."""
        own = dict(config=self.variant.config, options=self.options, seed=self.seed, protocols=list(self.protocols))
        return json.loads(json.dumps({**own, **self.content}, default=str))

    @property
    def result(self) -> dict[str, Any] | None:
        """The result of a finished run, as `execute` returns it; None if it is not finished.

        Raises:
            InputError: the file cannot be read, lacks a protocol, or has the result of other settings.
        """
        path = self.folder / RESULT
        if not path.is_file():
            return None
        result = read_json(path, ("settings", "metrics"), AGAIN)
        self._compare(path, result["settings"])
        for protocol in self.protocols:
            found = result["metrics"].get(protocol)
            if not isinstance(found, dict) or not all(isinstance(value, int | float) for value in found.values()):
                raise InputError(f"{path}: has no metrics of the protocol {protocol}; {AGAIN}")
        return {**result, "variant": self.variant.name, "seed": self.seed, "fold": self.fold.name}

    def begin(self) -> None:
        """Write the settings of a run, or compare them with those of what it would resume.

        Raises:
            InputError: they differ.
        """
        path = self.folder / SETTINGS
        if find_periodic(self.folder):
            if path.is_file():
                self._compare(path, read_json(path, ("settings",), "remove that run")["settings"])
                return
            what = f"has checkpoints and no {SETTINGS}: it cannot be seen whether they are of the same settings"
            print(f"note: {self.folder}: {what}; it is resumed", file=sys.stderr)
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"settings": self.settings}, indent=2) + "\n", encoding="utf-8")

    def _compare(self, path: Path, settings: dict[str, Any]) -> None:
        """Raise InputError if the settings that `path` holds are others than those of this run."""
        found, expected = self._comparable(settings), self._comparable(self.settings)
        if CONFIG not in found:  # written before 2026-11-22
            expected = {name: value for name, value in expected.items() if name not in self.content}
        wrong = [name for name in sorted(found.keys() | expected.keys()) if found.get(name) != expected.get(name)]
        if wrong:
            raise InputError(
                f"{path}: is of other settings: {wrong[0]} was {found.get(wrong[0])} and is {expected.get(wrong[0])}; "
                "use another folder for this study, or remove that run"
            )

    def _comparable(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return settings by one name each, without the folder of the fold's lists: a study may be moved.

        What the lists hold, `write_folds` checks.
        """
        flat = {name: value for name, value in settings.items() if name != "options"}
        for name, value in settings.get("options", {}).items():
            flat[name] = Path(value).name if name in self.fold.options else value
        return flat


def plan_runs(
    variants: Sequence[Variant],
    seeds: int,
    folds: Sequence[Fold],
    options: dict[str, Any],
    protocols: Sequence[str],
    out: Path,
) -> list[Run]:
    """Return the queue: all variants with seed 0 on the first fold, then with seed 1, and so on.

    A stopped queue thus has all variants on the same seeds and folds. Every config is read now, so that a mistake in
    the last one is known before the first training.

    Args:
        variants: to compare.
        seeds: number of seeds, from 0; seed i takes fold i modulo their number.
        folds: divisions of the data.
        options: changes of every config; those of a variant come after them.
        protocols: for the evaluation.
        out: folder of the study.

    Raises:
        InputError: a config or an option is wrong.
    """
    runs = []
    contents = {one.name: content_of(one.config, {**options, **one.options}) for one in variants}
    for seed in range(seeds):
        fold = folds[seed % len(folds)]
        for variant in variants:
            merged = {**options, **variant.options, **fold.options}
            folder = out / "runs" / variant.name / f"seed_{seed}_{fold.name}"
            runs.append(Run(variant, seed, fold, folder, merged, protocols, contents[variant.name]))
    for run in runs[: len(variants)]:
        load_config(run.variant.config, {**run.options, **_TRAINING})
    return runs


def execute(run: Run, device: str) -> dict[str, Any]:
    """Train and evaluate one run, from where it was stopped; write its result and return it.

    Raises:
        InputError: something in the config, the data or the machine cannot be used.
    """
    start = time.perf_counter()
    run.begin()
    options = {**run.options, **_TRAINING}
    config = load_config(run.variant.config, options)
    logger = train(config, run.folder, resume=True, seed=run.seed, device=device).logger
    seconds = time.perf_counter() - start
    checkpoint = find_valid_checkpoint(run.folder, logger)
    metrics = {}
    for protocol in run.protocols:
        config = load_config(run.variant.config, options)
        found = evaluate(config, checkpoint, protocol, device=device, boundary=True)
        metrics[protocol] = found.metrics
    content = read_checkpoint(checkpoint)
    with atomic_path(run.folder / WEIGHTS) as temporary, stream_to(temporary) as file:
        torch.save({key: content[key] for key in ("state_dict", "meta", METADATA_KEY)}, file)
    result = dict(variant=run.variant.name, seed=run.seed, fold=run.fold.name, settings=run.settings, metrics=metrics)
    result["seconds_of_last_start"] = seconds
    with atomic_path(run.folder / RESULT) as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (run.folder / ERROR).unlink(missing_ok=True)
    for path in (*run.folder.glob("epoch_*.pth"), *run.folder.glob("iter_*.pth")):
        path.unlink()  # its weights are kept, and the state of the optimizer is not needed any more
    return result


def run_queue(runs: Sequence[Run], limit: int | None, device: str) -> Iterator[tuple[Run, dict[str, Any] | Exception]]:
    """Execute the runs that are not finished, `limit` of them at most, and yield what each gave.

    A run that fails does not stop the queue: its exception is yielded and written into its folder, and it is tried
    again when the queue is started again, after those that have not failed. A signal stops the queue, also one that a
    library made an error of its own.

    Raises:
        InputError: there is a result that cannot be used.
        Stopped, KeyboardInterrupt: a signal came.
        BrokenPipeError: nobody reads the output any more.
    """
    waiting = [run for run in runs if run.result is None]
    waiting.sort(key=lambda run: (run.folder / ERROR).is_file())
    for run in waiting[:limit]:
        yield run, _try(run, device)


def _try(run: Run, device: str) -> dict[str, Any] | Exception:
    """Return the result of a run, or what made it fail."""
    try:
        return execute(run, device)
    except BrokenPipeError:
        raise
    except Exception as error:  # of one training out of a hundred, perhaps at night
        if stop := stop_behind(error):
            raise stop from None
        with contextlib.suppress(OSError):  # a full disk, which the error itself tells
            run.folder.mkdir(parents=True, exist_ok=True)
            (run.folder / ERROR).write_text(f"{type(error).__name__}: {error}\n", encoding="utf-8")
        return error
