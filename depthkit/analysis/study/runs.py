"""The queue of trainings of a study: finished runs are skipped, and one that was stopped is resumed."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from depthkit.analysis.study.folds import Fold
from depthkit.analysis.study.variants import Variant
from depthkit.apis.evaluate import evaluate
from depthkit.apis.train import train
from depthkit.engine.checkpoints import find_valid_checkpoint
from depthkit.errors import InputError
from depthkit.models.weights import METADATA_KEY, read_checkpoint
from depthkit.utils.config import load_config
from depthkit.utils.output_file import atomic_path

RESULT, WEIGHTS = "result.json", "weights.pth"
# One checkpoint is enough to resume from; the last one is measured, not the best on the test images.
_TRAINING = {"train_cfg.val_interval": 10_000}
_TRAINING |= {"default_hooks.checkpoint.max_keep_ckpts": 1, "default_hooks.checkpoint.save_best": None}


def has_bfloat16(device: torch.device) -> bool:
    """Return whether `device` has instructions for bfloat16, as far as Linux says of a processor."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    about = Path("/proc/cpuinfo")
    return about.is_file() and any(flag in about.read_text() for flag in ("avx512_bf16", "amx_bf16", " bf16"))


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
    """

    variant: Variant
    seed: int
    fold: Fold
    folder: Path
    options: dict[str, Any]
    protocols: Sequence[str]

    @property
    def settings(self) -> dict[str, Any]:
        """What makes two runs the same, as JSON holds it."""
        own = dict(config=self.variant.config, options=self.options, seed=self.seed, protocols=list(self.protocols))
        return json.loads(json.dumps(own, default=str))

    @property
    def result(self) -> dict[str, Any] | None:
        """The result of a finished run; None if it is not finished.

        Raises:
            InputError: the folder has the result of other settings.
        """
        path = self.folder / RESULT
        if not path.is_file():
            return None
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["settings"] != self.settings:
            raise InputError(f"{path}: is of other settings; use another folder for this study, or remove that run")
        return result


def plan_runs(
    variants: Sequence[Variant],
    seeds: int,
    folds: Sequence[Fold],
    options: dict[str, Any],
    protocols: Sequence[str],
    out: Path,
) -> list[Run]:
    """Return the queue: all variants with seed 0 on the first fold, then with seed 1, and so on.

    A stopped queue thus has all variants on the same seeds and folds. Every config is read once, so that a mistake in
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
    for seed in range(seeds):
        fold = folds[seed % len(folds)]
        for variant in variants:
            merged = {**options, **variant.options, **fold.options}
            folder = out / "runs" / variant.name / f"seed_{seed}_{fold.name}"
            runs.append(Run(variant, seed, fold, folder, merged, protocols))
    for run in runs[: len(variants)]:
        load_config(run.variant.config, {**run.options, **_TRAINING})
    return runs


def execute(run: Run, device: str) -> dict[str, Any]:
    """Train and evaluate one run, from where it was stopped; write its result and return it.

    Raises:
        InputError: something in the config, the data or the machine cannot be used.
    """
    start = time.perf_counter()
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
    with atomic_path(run.folder / WEIGHTS) as temporary:
        torch.save({key: content[key] for key in ("state_dict", "meta", METADATA_KEY)}, temporary)
    result = dict(variant=run.variant.name, seed=run.seed, fold=run.fold.name, settings=run.settings, metrics=metrics)
    result["seconds_of_last_start"] = seconds
    with atomic_path(run.folder / RESULT) as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for path in (*run.folder.glob("epoch_*.pth"), *run.folder.glob("iter_*.pth")):
        path.unlink()  # its weights are kept, and the state of the optimizer is not needed any more
    return result


def run_queue(runs: Sequence[Run], limit: int | None, device: str) -> Iterator[tuple[Run, dict[str, Any] | Exception]]:
    """Execute the runs that are not finished, `limit` of them at most, and yield what each gave.

    A run that fails does not stop the queue: its exception is yielded, and it is tried again when the queue is
    started again.
    """
    waiting = [run for run in runs if run.result is None]
    for run in waiting[:limit]:
        try:
            yield run, execute(run, device)
        except Exception as error:  # of one training out of a hundred, perhaps at night
            yield run, error
