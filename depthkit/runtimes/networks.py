"""The network of a model as each runtime runs it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from depthkit.errors import InputError
from depthkit.export.agreement import Run, as_tuple
from depthkit.export.deployable import Exportable, Form, output_names, trace
from depthkit.export.onnx_graph import load_onnx, write_onnx
from depthkit.export.quantise import quantise
from depthkit.runtimes.export_cache import cached_graph, derived_key, graph_key
from depthkit.runtimes.names import PACKAGES
from depthkit.runtimes.openvino_graph import load_openvino
from depthkit.utils.stop_signals import stop_behind


class Networks:
    """Makes the network of one model for each runtime: normalised images to its outputs.

    Args:
        model: in evaluation mode; it is not changed.
        settings: what, beside the weights, the graph depends on, as JSON can hold it.
        calibration: normalised images (1, 3, H, W) for int8.
    """

    def __init__(self, model: Exportable, settings: dict[str, object], calibration: Sequence[Tensor] = ()) -> None:
        self.model = model
        self.key = graph_key(model, settings)
        self.calibration = calibration
        self._made: set[str] = set()  # keys of the graphs that were made here
        self._distrusts_kept = False

    def key_of(self, precision: str) -> str:
        """Return the key of the graph in a precision: that of int8 depends on the calibration images."""
        return derived_key(self.key, self.calibration) if precision == "int8" else self.key

    def distrust_kept(self, runtime: str, precision: str) -> bool:
        """Let `make` use no graph that was kept from before; return whether it would have used one."""
        uses_kept = runtime in PACKAGES and not {self.key, self.key_of(precision)} <= self._made
        self._distrusts_kept |= uses_kept
        return uses_kept

    def make(self, runtime: str, precision: str) -> Run:
        """Make the network; the sides of its images (B, 3, H, W) are multiples of the model's divisor.

        Args:
            runtime: ``torch``, ``compile``, ``onnx`` or ``openvino``.
            precision: one that the runtime has.

        Raises:
            InputError: the model cannot be exported, compiled or loaded.
        """
        if runtime in ("torch", "compile"):
            return self._in_torch(precision, compiled=runtime == "compile")
        graph = self._graph(precision)
        if runtime == "onnx":
            return load_onnx(graph, torch.get_num_threads())
        return load_openvino(graph, precision, torch.get_num_threads())

    def _in_torch(self, precision: str, compiled: bool) -> Run:
        network = torch.compile(self.model) if compiled else self.model
        device, dtype = next(self.model.parameters()).device, getattr(torch, precision)

        def run(images: Tensor) -> tuple[Tensor, ...]:
            try:
                with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
                    return tuple(one.float() for one in as_tuple(network(images)))
            except Exception as error:  # of the compilers that torch.compile calls
                if stop := stop_behind(error):
                    raise stop from None
                if not compiled or isinstance(error, InputError):
                    raise
                reason = " ".join(str(error).split())[:200]
                raise InputError(
                    f"runtime compile: torch.compile failed ({type(error).__name__}: {reason}); it needs a C++ "
                    "compiler; use another runtime"
                ) from error

        return run

    def _graph(self, precision: str) -> Path:
        def export(path: Path) -> None:
            write_onnx(trace(self.model, Form(normalised=True)), output_names(self.model), {}, path)

        graph = self._made_or_kept(self.key, export)
        if precision != "int8":
            return graph

        def make_int8(path: Path) -> None:
            shutil.copyfile(graph, path)
            quantise(path, [one.numpy() for one in self.calibration])

        return self._made_or_kept(self.key_of(precision), make_int8)

    def _made_or_kept(self, key: str, make: Callable[[Path], None]) -> Path:
        def make_and_note(path: Path) -> None:
            make(path)
            self._made.add(key)

        return cached_graph(key, make_and_note, self._distrusts_kept and key not in self._made)
