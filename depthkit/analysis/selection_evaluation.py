"""Measure what token selection changes in a model's depth, beside the dense model and without labels."""

import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from depthkit.analysis.depth_difference import Difference, Mean, mean_of, metric_difference, relative_difference
from depthkit.analysis.selection_baselines import scored_by
from depthkit.analysis.smaller_input import enlarge, factors_by_time, shrink
from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.models import DepthEstimator, ToSA
from depthkit.models.layers.selector import num_kept
from depthkit.models.selective import form_of, make_selective
from depthkit.utils.io import read_rgb
from depthkit.utils.macs import count_macs

Rate = float | tuple[float, ...]

_ROUNDS = 5  # of the timing that finds the smaller inputs
_DENSE = "dense"


@dataclass
class Variant:
    """One way to predict, and what was measured of it.

    Attributes:
        kind: ``dense``, ``selection``, ``random`` (as many tokens, drawn at random) or ``smaller`` (dense, on a smaller
            input).
        model: in evaluation mode.
        keep_rate: that of the model, or the one whose time a smaller input is to match; None for ``dense``.
        factor: on the sides of the input.
        macs: multiply-accumulates of the first image.
        sizes: of the input (height, width) [px], and for how many images.
        seconds: of each image.
        differences: from the dense model, of each image.
    """

    kind: str
    model: DepthEstimator
    keep_rate: Rate | None = None
    factor: float = 1.0
    macs: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the table calls it."""
        if self.kind == "smaller":
            one = "{}x{}".format(*next(iter(self.sizes)))
            return f"dense at {one if len(self.sizes) == 1 else f'{self.factor:.2f} of the sides'}"
        if self.kind == "random":
            return "tokens at random"
        return _DENSE if self.kind == _DENSE else f"keep rate {self.keep_rate}"

    def selecting(self, seed: int) -> AbstractContextManager:
        """Return the context in which the model selects as this variant does; `seed` is that of random tokens."""
        return scored_by(self.model.backbone, "random", seed) if self.kind == "random" else nullcontext()

    def shrink(self, images: Tensor) -> Tensor:
        """Make the input of this variant from images (B, 3, H, W)."""
        return images if self.factor == 1 else shrink(images, self.factor, self.model.size_divisor)

    def enlarge(self, depth: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring the output of this variant to (height, width) [px]."""
        return depth if self.factor == 1 else enlarge(self.model, depth, size)


@torch.inference_mode()
def evaluate_selection(
    predictor: DepthPredictor,
    images: Sequence[Path],
    keep_rates: Sequence[Rate],
    selection: str | None,
    selective_layers: Sequence[int] | None,
) -> dict[str, Any]:
    """Compare the depth of a model's token selective forms with the dense one, and print a table.

    Controls beside each keep rate: as many tokens drawn at random, and the dense model on a smaller input that takes
    about the same time. Keep rate 1 must give a difference of exactly 0. Images are compared at the size of the
    network's input, one pass each, without what `test_cfg` adds. A forward pass of each variant is timed for each
    image, in turn.

    Args:
        predictor: of the dense model, or of a ToSA, which is dense at keep rate 1.
        images: files; those that cannot be read are reported on stderr and left out.
        keep_rates: see `make_selective`.
        selection: see `make_selective`.
        selective_layers: see `make_selective`.

    Returns:
        The content of the JSON file of `depthkit evaluate-selection`.

    Raises:
        InputError: no image can be read, an argument is wrong, or the model has no token selective form.
    """
    model = predictor.model
    make = partial(make_selective, model, selection=selection, selective_layers=selective_layers)
    everything = make(1.0)
    selective = {rate: make(rate) for rate in keep_rates if rate != 1}
    dense = Variant(_DENSE, everything if isinstance(model.backbone, ToSA) else model)
    variants = [dense, Variant("selection", everything, 1.0)]
    synchronize = torch.cuda.synchronize if predictor.device.type == "cuda" else lambda: None
    count = 0
    for count, (path, inputs) in enumerate(_read(predictor, images), 1):
        if count == 1:
            factors = factors_by_time(dense.model, selective, inputs, _ROUNDS, synchronize)
            for rate, one in selective.items():
                variants += [Variant("selection", one, rate), Variant("random", one, rate)]
                if factors[rate] is not None:
                    variants.append(Variant("smaller", dense.model, rate, factors[rate]))
            for variant in variants:
                with variant.selecting(count):
                    variant.macs = count_macs(variant.model, variant.shrink(inputs))
        _measure(variants, inputs, count, synchronize, path)
    if not count:
        raise InputError(f"{images[0]}: cannot be read, nor can any other of {len(images)} images; give other images")
    report = _report(variants, everything, count, len(images) - count)
    report["notes"] = [*_missing_controls(variants), *_without_selection(variants)]
    _print(report)
    return report


def _read(predictor: DepthPredictor, images: Sequence[Path]) -> Iterator[tuple[Path, Tensor]]:
    """Yield the files that can be read, and the network's input (1, 3, H, W) of each."""
    for path in tqdm(images, unit="image", disable=None):
        try:
            rgb = read_rgb(path)
        except InputError as error:
            tqdm.write(f"error: {error}", file=sys.stderr)
            continue
        yield path, predictor.preprocess(rgb, str(path))["inputs"]


def _measure(
    variants: Sequence[Variant], inputs: Tensor, turn: int, synchronize: Callable[[], None], path: Path
) -> None:
    """Run each variant on one image (1, 3, H, W), the `turn`-th; each begins with another variant."""
    size, depths = tuple(inputs.shape[-2:]), {}
    start = turn % len(variants)
    for i in [*range(start, len(variants)), *range(start)]:
        variant = variants[i]
        prepared = variant.shrink(inputs)
        shape = tuple(prepared.shape[-2:])
        with variant.selecting(turn):
            if shape not in variant.sizes:  # the first pass of a size is slower
                variant.model(prepared)
            synchronize()
            begin = time.perf_counter()
            depth = variant.model(prepared)
            synchronize()
        variant.seconds.append(time.perf_counter() - begin)
        variant.sizes[shape] += 1
        depths[i] = variant.enlarge(depth, size)
    output = variants[0].model.output
    for i, variant in enumerate(variants):
        try:
            variant.differences.append(_compare(depths[i], depths[0], output))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _compare(found: Tensor, reference: Tensor, output: str) -> Difference:
    if output == "depth":
        return metric_difference(found, reference)
    if output == "relative_depth":
        found, reference = 1 / found, 1 / reference
    return relative_difference(found, reference)


def _report(variants: Sequence[Variant], selective: DepthEstimator, count: int, skipped: int) -> dict[str, Any]:
    results = []
    for variant in variants:
        ratios = [own / dense for own, dense in zip(variant.seconds, variants[0].seconds, strict=True)]
        measured = {"time_ratio": mean_of(ratios)}
        for name in Difference._fields:
            measured[name] = mean_of([getattr(one, name) for one in variant.differences])
        sizes = {"{}x{}".format(*size): number for size, number in variant.sizes.items()}
        found = dict(name=variant.name, kind=variant.kind, keep_rate=variant.keep_rate, macs=variant.macs)
        found |= dict(inputs=sizes, seconds=mean_of(variant.seconds)._asdict())
        results.append(found | {name: value._asdict() for name, value in measured.items()})
    return dict(
        images=count,
        skipped=skipped,
        output=selective.output,
        selection=form_of(selective.backbone),
        selective_layers=selective.backbone.selective_layers,
        layers=len(selective.backbone.blocks),
        results=results,
    )


def _missing_controls(variants: Sequence[Variant]) -> Iterator[str]:
    """Say which keep rates have no smaller input beside them."""
    compared = {variant.keep_rate for variant in variants if variant.kind == "smaller"}
    for rate in (variant.keep_rate for variant in variants if variant.kind == "random"):
        if rate not in compared:
            yield f"keep rate {rate}: no smaller input to compare with; the first image is one patch high or wide"


def _without_selection(variants: Sequence[Variant]) -> Iterator[str]:
    """Say which keep rates below 1 leave no patch out, at which sizes."""
    for variant in variants:
        if variant.kind != "selection" or variant.keep_rate == 1:
            continue
        backbone, small = variant.model.backbone, []
        for size in variant.sizes:
            padded = variant.model.pad(torch.empty(1, 1, *size))
            patches = math.prod(backbone.patch_embed.dynamic_feat_size(padded.shape[-2:]))
            if all(num_kept(rate, patches) == patches for rate in backbone.keep_rate):
                small.append("{}x{}".format(*size))
        if small:
            yield (
                f"keep rate {variant.keep_rate}: leaves no patch out of an input of {', '.join(small)} px, so nothing "
                "is measured there; use a larger input or a lower rate"
            )


def _print(report: dict[str, Any]) -> None:
    """Print what `_report` returned as a table, and the notes below it."""
    metric = report["output"] == "depth"
    skipped = f", {report['skipped']} that cannot be read left out" if report["skipped"] else ""
    inputs = ", ".join(report["results"][0]["inputs"])
    layers = ",".join(map(str, report["selective_layers"]))
    print(f"{report['images']} images{skipped}; network input {inputs}")
    print(f"token selective: layers {layers} of {report['layers']}, {report['selection']}")
    of = "the dense depth" if metric else "the range of the dense disparity, after scale and shift are aligned"
    print(f"difference: mean over pixels, in % of {of}; +- is the standard error over images")
    close = "ratio < 1.25 %" if metric else "within 5 % %"
    print(f"{'':<28}{'GMACs':>8}{'time/dense':>18}{'difference %':>18}{close:>18}{'scale':>18}")
    for found in report["results"]:
        indent = "  " if found["kind"] in ("random", "smaller") else ""
        columns = (("time_ratio", 1, 3), ("size", 100, 3), ("close", 100, 2), ("scale", 1, 3))
        cells = "".join(f"{_cell(Mean(**found[key]), factor, digits):>18}" for key, factor, digits in columns)
        print(f"{indent + found['name']:<28}{found['macs'] / 1e9:>8.2f}{cells}")
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)


def _cell(value: Mean, factor: float, digits: int) -> str:
    error = "" if value.error is None else f" +- {factor * value.error:.{digits}f}"
    return f"{factor * value.mean:.{digits}f}{error}"
