"""Which model the predictors of a data set use, as something that can be sent to another machine."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthkit.runtimes.names import Precision, Runtime
from depthkit.zoo.file_hash import hash_file

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor


@dataclass(frozen=True)
class ModelSource:
    """A model and its settings.

    Attributes:
        weights: file of this machine.
        model: name of the published model that the weights are of; None for a checkpoint that carries its config.
        settings: further arguments of `DepthPredictor.from_pretrained`.
        keep_rate: see `DepthPredictor.select_tokens`, like the next two; None for the model as it is.
        selection: which patches.
        selective_layers: which layers.
        runtime: see `DepthPredictor.use_runtime`, like the next.
        precision: of the numbers.
    """

    weights: Path
    model: str | None
    settings: dict[str, object]
    keep_rate: float | tuple[float, ...] | None = None
    selection: str | None = None
    selective_layers: tuple[int, ...] | None = None
    runtime: Runtime = "torch"
    precision: Precision = "float32"

    def describe(self) -> dict[str, object]:
        """Return what makes two models the same: the hash of the weights, and the settings."""
        return {**asdict(self), "weights": hash_file(self.weights)}

    def load(self, device: str, content: bytes) -> "DepthPredictor":
        """Build the predictor on a machine that need not have the file.

        Args:
            device: see `DepthPredictor`.
            content: of the file of weights.

        Raises:
            InputError: see `DepthPredictor`.
        """
        from depthkit.apis.predictor import DepthPredictor

        with tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
            path = Path(folder) / self.weights.name  # the name says what is in it
            path.write_bytes(content)
            if self.model is None:
                predictor = DepthPredictor(path, device=device, **self.settings)
            else:
                predictor = DepthPredictor.from_pretrained(self.model, path, device=device, **self.settings)
        if self.keep_rate is not None:
            predictor.select_tokens(self.keep_rate, self.selection, self.selective_layers)
        predictor.use_runtime(self.runtime, self.precision)
        return predictor
