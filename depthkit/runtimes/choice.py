"""Which runtime a model uses: the one that was asked for, or the fastest; checked against torch."""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor

from depthkit.errors import InputError
from depthkit.export.agreement import MAX_BEYOND, TOLERANCE, Agreement, Run, compare_outputs, unit_of
from depthkit.export.deployable import Exportable
from depthkit.runtimes.export_cache import derived_key, remember, remembered
from depthkit.runtimes.names import candidates, cpu_name
from depthkit.runtimes.networks import Networks

_ROUNDS = 3  # of timing, after one to warm up


@dataclass(frozen=True)
class Verdict:
    """What was measured of a runtime on one image.

    Attributes:
        runtime: its name.
        ms: median time of the network [ms]; None where only one runtime was asked for.
        agreement: how far each output agrees with torch in float32.
    """

    runtime: str
    ms: float | None
    agreement: tuple[Agreement, ...]

    def holds(self, max_error: float | None) -> bool:
        """Whether every output agrees (`Agreement.is_within`)."""
        return all(one.is_within(max_error) for one in self.agreement)

    def describe(self, max_error: float | None, unit: str) -> str:
        """Return in words what was measured."""
        parts = [] if self.ms is None else [f"{self.ms:.0f} ms"]
        for one in self.agreement:
            name = "" if one.output == "depth" else f"{one.output}: "
            if max_error is None:
                unit_here = unit if one.output == "depth" else "of the probability"
                parts.append(
                    f"{name}largest difference from torch {one.largest:.1g} {unit_here}, {one.beyond:.1%} of the "
                    f"values beyond {TOLERANCE:g} (at most {MAX_BEYOND:.0%})"
                )
            else:
                parts.append(f"{name}mean error against float32 {one.error:.2%} (at most {max_error:.2%})")
        return ", ".join(parts)


def choose_network(
    networks: Networks, runtime: str, precision: str, max_error: float | None, samples: Sequence[Tensor]
) -> tuple[str, Run]:
    """Make the network that a model is to use, and say on stderr which it is and how far it agrees.

    What was measured is remembered with the exported graphs, for this machine and these versions.

    Args:
        networks: of the model.
        runtime: that was asked for; ``auto``: the fastest of `candidates` that agrees.
        precision: of the numbers.
        max_error: of a precision below float32, the largest mean error; None for float32.
        samples: normalised images (1, 3, H, W) to compare on, on the model's device.

    Returns:
        The name of the runtime, and its network.

    Raises:
        InputError: it does not agree with torch, or cannot be made.
    """
    device = samples[0].device.type
    names = candidates(precision, device) if runtime == "auto" else [runtime]
    key = _key_of_machine(networks, names, precision, samples)
    made: dict[str, Run] = {}
    verdicts = _from_plain(remembered(key))
    if verdicts is None:
        verdicts = _measure(networks, names, precision, samples, made)
        remember(key, {"verdicts": [asdict(one) for one in verdicts]})
    good = [one for one in verdicts if one.holds(max_error)]
    unit = unit_of(networks.model)
    for one in verdicts if runtime == "auto" or not good else ():
        refused = "" if one in good else "; not used"
        print(f"runtime {one.runtime} {precision}: {one.describe(max_error, unit)}{refused}", file=sys.stderr)
    if not good:
        raise InputError(_refusal(verdicts, precision, max_error))
    best = min(good, key=lambda one: one.ms or 0.0)
    height, width = samples[0].shape[-2:]
    measured = best.describe(max_error, unit)
    print(f"runtime: {best.runtime} {precision}, {measured}, at {height}x{width} px", file=sys.stderr)
    return best.runtime, made.get(best.runtime) or networks.make(best.runtime, precision)


def _measure(
    networks: Networks, names: Sequence[str], precision: str, samples: Sequence[Tensor], made: dict[str, Run]
) -> list[Verdict]:
    """Make networks, compare them with torch in float32 on all samples, and time them on the first one.

    Of several runtimes one that cannot be made is left out, which stderr says. `made` takes the networks.
    """
    pooled: dict[str, tuple[Agreement, ...]] = {}
    times: dict[str, list[float]] = {}
    with torch.inference_mode():
        expected = [networks.make("torch", "float32")(sample) for sample in samples]
        for name in names:
            try:
                made[name] = networks.make(name, precision)
                pooled[name] = _compare(networks.model, made[name], samples, expected)
            except InputError as error:
                if name == names[-1] and not pooled:
                    raise
                print(f"runtime {name}: not used: {error}", file=sys.stderr)
        for name in [*pooled] * (_ROUNDS + 1 if len(names) > 1 else 0):  # in turn: a busy moment affects all
            start = time.perf_counter()
            made[name](samples[0])[0].cpu()
            times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
    return [
        Verdict(name, statistics.median(times[name][1:]) if times else None, agreement)
        for name, agreement in pooled.items()
    ]


def _compare(
    model: Exportable, run: Run, samples: Sequence[Tensor], expected: Sequence[Sequence[Tensor]]
) -> tuple[Agreement, ...]:
    """Return the agreement of each output, pooled over the samples."""
    each = [
        compare_outputs(model, wanted, run(sample), sample) for sample, wanted in zip(samples, expected, strict=True)
    ]
    return tuple(
        replace(
            of_one[0],
            largest=max(one.largest for one in of_one),
            beyond=statistics.mean(one.beyond for one in of_one),
            error=statistics.mean(one.error for one in of_one),
        )
        for of_one in zip(*each, strict=True)
    )


def _refusal(verdicts: Sequence[Verdict], precision: str, max_error: float | None) -> str:
    names = " and ".join(one.runtime for one in verdicts)
    if max_error is None:
        return (
            f"runtime {names}: does not agree with torch on this machine; use runtime torch, or another release of it"
        )
    least = min(max(one.error for one in verdict.agreement) for verdict in verdicts)
    return (
        f"precision {precision}: its mean error against float32 is {least:.2%} with {names}, and {max_error:.2%} is "
        "the most; allow more by max_error (--max-error), or use another precision"
    )


def _key_of_machine(networks: Networks, names: Sequence[str], precision: str, samples: Sequence[Tensor]) -> str:
    """Return the key of what is measured: of the graph, the sizes, the machine and the versions."""
    versions = [package_version(package) for package in ("onnxruntime", "openvino")]
    machine = [cpu_name(), torch.get_num_threads(), str(samples[0].device), versions]
    settings = [list(names), precision, [list(one.shape) for one in samples], machine]
    return derived_key(networks.key_of(precision) + json.dumps(settings), ())


def _from_plain(found: dict | None) -> list[Verdict] | None:
    """Return what `remember` noted; None where it is not that."""
    try:
        return [
            Verdict(
                one["runtime"],
                one["ms"],
                tuple(Agreement(**{**each, "size": tuple(each["size"])}) for each in one["agreement"]),
            )
            for one in found["verdicts"]
        ] or None
    except (KeyError, TypeError):
        return None


def package_version(package: str) -> str | None:
    """Return the version of an installed package; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
