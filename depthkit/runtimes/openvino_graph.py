"""Run an ONNX graph in OpenVINO, on the CPU."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from depthkit.errors import InputError
from depthkit.export.agreement import Run

if TYPE_CHECKING:
    import openvino

_TYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "f32"}  # of what is not int8


def load_openvino(path: Path, precision: str, threads: int) -> Run:
    """Load a graph.

    Args:
        path: of the graph.
        precision: ``float32``, ``bfloat16``, ``float16``; ``int8`` for a graph that is quantised.
        threads: how many.

    Raises:
        InputError: OpenVINO does not take the graph, or does not have the precision on this CPU.
    """
    import openvino

    core = openvino.Core()
    name = {"bfloat16": "BF16", "float16": "FP16"}.get(precision)
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if name is not None and name not in able:
        raise InputError(f"precision {precision}: OpenVINO does not have it on this CPU (it has {', '.join(able)})")
    settings = {
        "INFERENCE_PRECISION_HINT": _TYPES[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }
    try:
        graph = core.read_model(path)
        count = len(graph.outputs)
        if name is not None:
            _keep_selection_precise(graph)
        request = core.compile_model(graph, "CPU", settings).create_infer_request()
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"runtime openvino: does not take this model ({reason}); use runtime onnx") from error

    lock = threading.Lock()

    def run(images: Tensor) -> tuple[Tensor, ...]:
        with lock:  # the request writes its next results to the same place: they are copied before another thread's
            request.infer({"images": images.numpy()}, share_inputs=True)
            return tuple(torch.from_numpy(one.data.copy()) for one in request.output_tensors[:count])

    return run


def _keep_selection_precise(graph: "openvino.Model") -> None:
    """Let tokens be ranked in float32, which OpenVINO keeps where an output follows from it.

    In half precision many scores are equal, and its top-k takes 5 ms a layer instead of less than 0.1 ms.
    """
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "TopK":
            graph.add_outputs(node.output(1))
