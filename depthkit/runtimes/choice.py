"""Which runtime a model uses: the one that was asked for, or the fastest; checked against torch."""

import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from depthkit.errors import InputError
from depthkit.export.agreement import MAX_BEYOND, TOLERANCE, Agreement, Run, compare_outputs, unit_of
from depthkit.export.deployable import Exportable
from depthkit.runtimes.export_cache import derived_key, package_version, remember, remembered
from depthkit.runtimes.names import candidates, cpu_name
from depthkit.runtimes.networks import Networks

_ROUNDS = 3  # of timing, after one to warm up


@dataclass(frozen=True)
class _Trial:
    """A runtime that was made and compared.

    Attributes:
        runtime: its name.
        run: its network.
        agreement: how far each output agrees with torch in float32; nothing for torch in float32 itself.
    """

    runtime: str
    run: Run
    agreement: tuple[Agreement, ...]

    def holds(self, max_error: float | None) -> bool:
        """Whether every output agrees (`Agreement.is_within`)."""
        return all(one.is_within(max_error) for one in self.agreement)

    def describe(self, max_error: float | None, unit: str) -> str:
        """Return in words how far it agrees."""
        parts = []
        for one in self.agreement:
            name = "" if one.output == "depth" else f"{one.output}: "
            if max_error is None:
                unit_here = unit if one.output == "depth" else "of the probability"
                parts.append(
                    f"{name}largest difference from torch {one.largest:.1g} {unit_here}, {one.beyond:.1%} of the "
                    f"values beyond {TOLERANCE:g} {unit_here} (at most {MAX_BEYOND:.0%})"
                )
            else:
                parts.append(f"{name}mean error against float32 {one.error:.2%} (at most {max_error:.2%})")
        return ", ".join(parts)


def choose_network(
    networks: Networks, runtime: str, precision: str, max_error: float | None, samples: Sequence[Tensor]
) -> tuple[str, Run]:
    """Make and compare the network that a model is to use, and say on stderr how far it agrees.

    The times that ``auto`` measured are remembered with the exported graphs, for this machine and these versions. The
    comparison is made each time: what the code of a model does may change in ways that no key of a graph shows.

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
    names = candidates(precision, samples[0].device.type) if runtime == "auto" else [runtime]
    key = _key_of_machine(networks, names, precision, samples)
    times = _known_times(key, names) if runtime == "auto" else {}
    with torch.inference_mode():
        expected = [networks.make("torch", "float32")(sample) for sample in samples]

        def try_all(asked: Sequence[str]) -> tuple[list[_Trial], list[_Trial], dict[str, InputError]]:
            return _try_all(networks, asked, precision, max_error, samples, expected)

        good, refused, errors = try_all([min(times, key=times.__getitem__)] if times else names)
        if times and not good:  # something is not as it was
            times = {}
            good, refused, errors = try_all(names)
        if not good and not refused:
            raise next(reversed(errors.values()))
        unit = unit_of(networks.model)
        if not good:
            raise InputError(_refusal(refused, precision, max_error, unit))
        if runtime == "auto" and not times:
            times = _time(good, samples[0])
            remember(key, {"ms": times})
    for one in refused:
        print(f"runtime {one.runtime}: not used: {one.describe(max_error, unit)}", file=sys.stderr)
    for name, error in errors.items():
        print(f"runtime {name}: not used: {error}", file=sys.stderr)
    best = min(good, key=lambda one: times.get(one.runtime, math.inf))
    height, width = samples[0].shape[-2:]
    parts = [f"{best.runtime} {precision}", _describe_times(best.runtime, times), best.describe(max_error, unit)]
    print(f"runtime: {', '.join(filter(None, parts))}, at {height}x{width} px", file=sys.stderr)
    return best.runtime, best.run


def _try_all(
    networks: Networks,
    names: Sequence[str],
    precision: str,
    max_error: float | None,
    samples: Sequence[Tensor],
    expected: Sequence[Sequence[Tensor]],
) -> tuple[list[_Trial], list[_Trial], dict[str, InputError]]:
    """Make networks and compare them: those that agree, those that do not, and why others cannot be made."""
    good, refused, errors = [], [], {}
    for name in names:
        try:
            trial = _try(networks, name, precision, samples, expected)
            if not trial.holds(max_error) and networks.distrust_kept(name, precision):
                trial = _try(networks, name, precision, samples, expected)
        except InputError as error:
            errors[name] = error
            continue
        (good if trial.holds(max_error) else refused).append(trial)
    return good, refused, errors


def _try(
    networks: Networks, name: str, precision: str, samples: Sequence[Tensor], expected: Sequence[Sequence[Tensor]]
) -> _Trial:
    run = networks.make(name, precision)
    is_original = (name, precision) == ("torch", "float32")
    return _Trial(name, run, () if is_original else _compare(networks.model, run, samples, expected))


def _time(trials: Sequence[_Trial], sample: Tensor) -> dict[str, float]:
    """Return the median time of each network [ms] by its runtime."""
    times: dict[str, list[float]] = {}
    for one in [*trials] * (_ROUNDS + 1):  # in turn: a busy moment affects all
        start = time.perf_counter()
        one.run(sample)[0].cpu()
        times.setdefault(one.runtime, []).append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def _known_times(key: str, names: Sequence[str]) -> dict[str, float]:
    """Return the times [ms] that were remembered; nothing where there are none, or one cannot be."""
    found = (remembered(key) or {}).get("ms")
    if not isinstance(found, dict):
        return {}
    fine = all(name in names and isinstance(ms, float) and 0 < ms < math.inf for name, ms in found.items())
    return found if fine else {}


def _describe_times(best: str, times: Mapping[str, float]) -> str:
    """Return the times in words, that of the best first."""
    others = ", ".join(f"{name} {ms:.0f}" for name, ms in times.items() if name != best)
    return "" if best not in times else f"{times[best]:.0f} ms" + (f" ({others})" if others else "")


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


def _refusal(refused: Sequence[_Trial], precision: str, max_error: float | None, unit: str) -> str:
    names = " and ".join(one.runtime for one in refused)
    if max_error is None:
        measured = "; ".join(one.describe(max_error, unit) for one in refused)
        return (
            f"runtime {names}: does not agree with torch on this machine ({measured}); use runtime torch, or another "
            "release of it"
        )
    least = min(max(one.error for one in trial.agreement) for trial in refused)
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
