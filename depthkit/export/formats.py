"""Write a depth model as a file of torch.export or ONNX, checked before it is kept."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from depthkit.errors import InputError
from depthkit.export.agreement import MAX_BEYOND, TOLERANCE, Agreement, compare, unit_of
from depthkit.export.deployable import describe_output, trace
from depthkit.models import DepthEstimator
from depthkit.utils.output_file import atomic_path, check_output_file, stream_to

SUFFIXES = {"torch": ".pt2", "onnx": ".onnx"}
METADATA_NAME = "depthkit.json"  # in a .pt2; an .onnx has a place for such pairs


def export_model(
    model: DepthEstimator, path: str | Path, file_format: str, about: Mapping[str, str] | None = None
) -> list[Agreement]:
    """Write `model` to `path`, read it back, and compare it with the original on images of several sizes.

    What `describe_output` returns, and `about`, are in the file: ``depthkit.json`` among torch.export.load's
    `extra_files`, or the metadata of an ONNX model.

    Args:
        model: in evaluation mode, on the CPU.
        path: ends in .pt2 for ``torch`` and in .onnx for ``onnx``.
        file_format: ``torch`` or ``onnx``.
        about: further metadata, such as the name and the licence of the model.

    Returns:
        One comparison per size.

    Raises:
        InputError: another suffix, packages are missing, the model cannot be exported, the file cannot be written, or
            the two models do not agree. No file is kept then.
    """
    path = Path(path)
    if path.suffix != SUFFIXES[file_format]:
        raise InputError(f"{path}: expected a name that ends in {SUFFIXES[file_format]} for the format {file_format}")
    write, load = {"torch": (_write_torch, _load_torch), "onnx": (_write_onnx, _load_onnx)}[file_format]
    if file_format == "onnx":
        _check_packages()
    check_output_file(path)
    program, unit = trace(model), unit_of(model)
    with atomic_path(path) as temporary:
        write(program, {**(about or {}), **describe_output(model)}, temporary)
        found = compare(model, load(temporary))
        for one in found:
            if not one.holds:
                raise InputError(
                    f"{path}: not written because the exported model differs from the original: at {one.size} "
                    f"{one.beyond:.1%} of the pixels by more than {TOLERANCE:g} {unit} (expected {MAX_BEYOND:.0%} at "
                    f"most), the largest difference is {one.largest:.3g} {unit}; try another release of torch or of "
                    "onnxruntime"
                )
    return found


def _write_torch(program: ExportedProgram, metadata: dict[str, str], path: Path) -> None:
    with stream_to(path) as file:
        torch.export.save(program, file, extra_files={METADATA_NAME: json.dumps(metadata)})


def _load_torch(path: Path) -> Callable[[Tensor], Tensor]:
    return torch.export.load(path).module()


def _write_onnx(program: ExportedProgram, metadata: dict[str, str], path: Path) -> None:
    try:
        exported = torch.onnx.export(
            program, dynamo=True, input_names=["images"], output_names=["depth"], verbose=False
        )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = " ".join(str(error.__cause__ or error).split())[:300]
        raise InputError(
            f"the model has an operation that cannot be written as ONNX here ({reason}); use the format torch"
        ) from error
    exported.model.metadata_props.update(metadata)
    exported.save(path)


def _load_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(["depth"], {"images": images.numpy()})[0])

    return run


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            "ONNX needs the packages onnx, onnxscript and onnxruntime; run: pip install onnx onnxscript onnxruntime"
        ) from error
