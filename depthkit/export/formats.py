"""Write a model as a file of torch.export or ONNX, checked before it is kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from depthkit.errors import InputError
from depthkit.export.agreement import MAX_BEYOND, SIZES, TOLERANCE, Agreement, Run, compare, unit_of
from depthkit.export.deployable import DYNAMIC, Exportable, Form, output_names, trace
from depthkit.export.metadata import describe_input, describe_output
from depthkit.export.onnx_graph import check_onnx_packages, load_onnx, write_onnx
from depthkit.export.quantise import quantise
from depthkit.runtimes.names import MAX_ERROR
from depthkit.utils.output_file import atomic_path, check_output_file, stream_to

SUFFIXES = {"torch": ".pt2", "onnx": ".onnx"}
METADATA_NAME = "depthkit.json"  # in a .pt2; an .onnx has a place for such pairs


def export_model(
    model: Exportable,
    path: str | Path,
    file_format: str,
    about: Mapping[str, str] | None = None,
    form: Form = DYNAMIC,
    *,
    recommended: tuple[int, int] | None = None,
    calibration: Sequence[Tensor] = (),
    max_error: float = MAX_ERROR,
) -> tuple[list[Agreement], dict[str, str]]:
    """Write `model` to `path`, read it back, and compare it with the original on images of several sizes.

    What `describe_output` and `describe_input` return, and `about`, are in the file: ``depthkit.json`` among
    torch.export.load's `extra_files`, or the metadata of an ONNX model.

    Args:
        model: in evaluation mode, on the CPU.
        path: ends in .pt2 for ``torch`` and in .onnx for ``onnx``.
        file_format: ``torch`` or ``onnx``.
        about: further metadata, such as the name and the licence of the model.
        form: of the graph.
        recommended: height and width [px] that the model was trained for, for the metadata.
        calibration: for int8, images (1, 3, H, W) from 0 to 255.
        max_error: of a precision below float32, the largest mean error (`Agreement`).

    Returns:
        One comparison for each size and output, and the metadata.

    Raises:
        InputError: another suffix, packages are missing, the model cannot be exported so, the file cannot be written,
            or the two models do not agree. No file is kept then.
    """
    path = Path(path)
    if path.suffix != SUFFIXES[file_format]:
        raise InputError(f"{path}: expected a name that ends in {SUFFIXES[file_format]} for the format {file_format}")
    if form.precision == "int8" and file_format != "onnx":
        raise InputError(f"{path}: int8 is for ONNX only; give a name that ends in .onnx")
    if file_format == "onnx":
        check_onnx_packages()
    check_output_file(path)
    if any(getattr(block, "importance", None) == "random" for block in model.backbone.modules()):
        raise InputError(
            f"{path}: importance='random' draws other patches in each pass, so a file cannot be compared with the "
            "model; export one that chooses by another importance"
        )
    metadata = {**(about or {}), **describe_output(model), **describe_input(model, form, recommended)}
    sizes = SIZES if form.size is None else ((1, *form.size),)
    program = trace(model, form)
    with atomic_path(path) as temporary:
        if file_format == "torch":
            _write_torch(program, metadata, temporary)
            run = _load_torch(temporary)
        else:
            write_onnx(program, output_names(model), metadata, temporary)
            if form.precision == "int8":
                quantise(temporary, [one.numpy() for one in calibration])
            run = load_onnx(temporary)
        found = compare(model, run, sizes)
        _check(path, found, max_error if form.precision != "float32" else None, unit_of(model))
    return found, metadata


def _check(path: Path, found: Sequence[Agreement], max_error: float | None, unit: str) -> None:
    for one in found:
        if one.is_within(max_error):
            continue
        if max_error is not None:
            raise InputError(
                f"{path}: not written because in this precision the mean error of {one.output} is {one.error:.2%} at "
                f"{one.size} (expected {max_error:.2%} at most); allow more by --max-error, or use float32"
            )
        raise InputError(
            f"{path}: not written because the exported model differs from the original: at {one.size} "
            f"{one.beyond:.1%} of the pixels by more than {TOLERANCE:g} {unit} (expected {MAX_BEYOND:.0%} at "
            f"most), the largest difference is {one.largest:.3g} {unit}; try another release of torch or of "
            "onnxruntime"
        )


def _write_torch(program: ExportedProgram, metadata: dict[str, str], path: Path) -> None:
    with stream_to(path) as file:
        torch.export.save(program, file, extra_files={METADATA_NAME: json.dumps(metadata)})


def _load_torch(path: Path) -> Run:
    return torch.export.load(path).module()
