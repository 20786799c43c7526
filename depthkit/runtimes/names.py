"""The names of runtimes and precisions, and which of them this machine has. It imports no torch."""

import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from depthkit.errors import InputError

Runtime = Literal["torch", "compile", "onnx", "openvino", "auto"]
Precision = Literal["float32", "bfloat16", "float16", "int8"]
RUNTIMES: tuple[str, ...] = get_args(Runtime)
PRECISIONS: tuple[str, ...] = get_args(Precision)
MAX_ERROR = 0.02  # of a precision below float32: the mean difference, a fraction of the depth

# What each needs beside torch: the graph is written by onnx and onnxscript for both.
PACKAGES = {"onnx": ("onnx", "onnxruntime", "onnxscript"), "openvino": ("onnx", "onnxscript", "openvino")}
_HAS = {
    "torch": ("float32", "bfloat16", "float16"),
    "compile": ("float32", "bfloat16", "float16"),
    "onnx": ("float32", "int8"),
    "openvino": ("float32", "bfloat16", "float16", "int8"),
}
# Of /proc/cpuinfo: instructions that multiply numbers of these types.
_FLAGS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16", "svebf16"},
    "float16": {"avx512_fp16", "amx_fp16", "asimdhp", "fphp"},
}


class RuntimeRequest(NamedTuple):
    """What runs the network: the arguments of `DepthPredictor.use_runtime`.

    Attributes:
        runtime: one of `RUNTIMES`.
        precision: one of `PRECISIONS`.
        calibration: for int8, a folder of images.
        max_error: of a precision below float32, the largest mean error.
    """

    runtime: Runtime = "torch"
    precision: Precision = "float32"
    calibration: str | None = None
    max_error: float = MAX_ERROR

    @property
    def is_plain(self) -> bool:
        """Whether it asks for the model itself."""
        return (self.runtime, self.precision) == ("torch", "float32")


IN_TORCH = RuntimeRequest()


def missing_packages(runtime: str, precision: str = "float32") -> list[str]:
    """Return the packages that a runtime needs here and that are not installed."""
    needed = [*PACKAGES.get(runtime, ()), *(["onnxruntime"] if precision == "int8" else [])]  # which quantises
    return [name for name in dict.fromkeys(needed) if find_spec(name) is None]


def check_names(runtime: str, precision: str) -> None:
    """Check that there are such a runtime and precision, together.

    Raises:
        InputError: one is unknown, or the runtime does not have the precision.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"runtime={runtime!r}: expected one of {', '.join(RUNTIMES)}")
    if precision not in PRECISIONS:
        raise InputError(f"precision={precision!r}: expected one of {', '.join(PRECISIONS)}")
    if runtime != "auto" and precision not in _HAS[runtime]:
        having = [name for name, precisions in _HAS.items() if precision in precisions]
        raise InputError(
            f"runtime {runtime}: does not compute in {precision} (it has {', '.join(_HAS[runtime])}); use runtime "
            f"{' or '.join(having)}"
        )


def check_runtime(runtime: str, precision: str, device: str, has_calibration: bool) -> None:
    """Check that this machine has a runtime in a precision, before the seconds that importing torch takes.

    Args:
        runtime: one of `RUNTIMES`.
        precision: one of `PRECISIONS`.
        device: kind of the device that the model runs on, such as ``cpu``; ``auto`` is checked later.
        has_calibration: whether there are images for int8.

    Raises:
        InputError: a name is unknown; the runtime does not have the precision, or is not for the device; a package is
            not installed; the CPU does not have the precision; int8 without images, or images without int8.
    """
    check_names(runtime, precision)
    check_has_calibration(precision, has_calibration)
    if device not in ("auto", "cpu") and (runtime in PACKAGES or precision == "int8"):
        asked = f"runtime {runtime}" if runtime in PACKAGES else "precision int8"
        raise InputError(f"{asked}: runs on the CPU here, not on {device}; use device cpu, or runtime torch or compile")
    missing = missing_packages(runtime, precision)
    if missing:
        raise InputError(
            f"runtime {runtime}: needs {', '.join(missing)}; run: pip install 'depthkit[{extra_of(runtime)}]'"
        )
    if device == "cpu":
        check_cpu(precision)
    if runtime == "auto" and device == "cpu" and not candidates(precision, device):
        raise InputError(f"precision {precision}: no runtime for it is installed; run: pip install 'depthkit[onnx]'")


def check_has_calibration(precision: str, has_calibration: bool) -> None:
    """Check that there are calibration images for int8, and none for another precision.

    Raises:
        InputError: otherwise.
    """
    if precision == "int8" and not has_calibration:
        raise InputError(
            "precision int8: needs some of your images to learn the ranges of its numbers; give a folder of 8 or more "
            "as calibration (--calibration DIR)"
        )
    if precision != "int8" and has_calibration:
        raise InputError(f"calibration: is for precision int8, not for {precision}; leave it out")


def extra_of(runtime: str) -> str:
    """Return the extra of depthkit that installs a runtime."""
    return "openvino" if runtime == "openvino" else "onnx"


def candidates(precision: str, device: str) -> list[str]:
    """Return what `auto` tries: the installed runtimes of a device that have a precision.

    torch.compile is one only where there is nothing else: each process would wait for a minute of compiling, and on
    CPUs both other runtimes were faster.
    """
    if device != "cpu":
        return ["torch", "compile"]
    installed = [name for name in PACKAGES if precision in _HAS[name] and not missing_packages(name, precision)]
    if precision not in _HAS["torch"]:
        return installed
    return ["torch", *(installed or ["compile"])]


def check_cpu(precision: str) -> None:
    """Check that the CPU multiplies numbers of this precision: elsewhere it would only be slower.

    Raises:
        InputError: it does not.
    """
    flags = _FLAGS.get(precision)
    if flags is not None and not flags & _cpu_flags():
        raise InputError(
            f"precision {precision}: this CPU has no instructions for it ({', '.join(sorted(flags))}); use float32"
        )


def _cpu_flags() -> set[str]:
    """Return what the CPU can do by the names of Linux, and by what is known of Apple's."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return {"asimdhp"}  # every one; bf16 since the M2, which nothing simple tells
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return set(lines[0].partition(":")[2].split()) if lines else set()


def cpu_name() -> str:
    """Return what the CPU calls itself."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
