"""ONNX graphs: written from a traced program, and run by onnxruntime."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from depthkit.errors import InputError
from depthkit.export.agreement import Run

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_AXES = ("batch", None, "height", "width")  # names of what is not fixed; None: as it is


def check_onnx_packages() -> None:
    """Check that ONNX graphs can be written and run here.

    Raises:
        InputError: a package is missing.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"ONNX needs the packages {', '.join(missing)}, which are not installed; run: pip install 'depthkit[onnx]'"
        )


def write_onnx(program: ExportedProgram, outputs: Sequence[str], metadata: Mapping[str, str], path: Path) -> None:
    """Write a program as ONNX: its input ``images`` has axes called batch, height and width.

    Raises:
        InputError: ONNX cannot express it.
    """
    try:
        exported = torch.onnx.export(
            program, dynamo=True, input_names=["images"], output_names=list(outputs), verbose=False
        )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = " ".join(str(error.__cause__ or error).split())[:300]
        raise InputError(
            f"the model has an operation that cannot be written as ONNX here ({reason}); use the format torch"
        ) from error
    graph = exported.model.graph
    for value in (*graph.inputs, *graph.outputs):
        named = [side if isinstance(side, int) else name for side, name in zip(value.shape, _AXES, strict=False)]
        value.shape = type(value.shape)(named)
    for node in graph.all_nodes():  # torch notes there where in whose files each node comes from
        node.metadata_props.clear()
    for value in (*graph.inputs, *graph.outputs, *graph.initializers.values()):
        value.metadata_props.clear()
    exported.model.metadata_props.update(metadata)
    exported.save(path)


def load_onnx(path: Path, threads: int = 0) -> Run:
    """Load a graph into onnxruntime, on the CPU.

    Args:
        path: of the graph.
        threads: how many; 0: onnxruntime's choice.

    Raises:
        InputError: onnxruntime cannot run the graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait in a loop between two images would take the cores from reading the next one. Within an image
    # they are worth a tenth of the time.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a dozen types of its own, without a common one
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"onnxruntime does not take this model ({reason}); try another release of it") from error

    def run(images: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(one) for one in session.run(None, {"images": images.numpy()}))

    return run
