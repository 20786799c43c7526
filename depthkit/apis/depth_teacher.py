"""Any depth model as the teacher of a `DepthDistiller`."""

from pathlib import Path

import torch
from torch import Tensor, nn

from depthkit.apis.predictor import DepthPredictor
from depthkit.errors import InputError
from depthkit.models.distillers.teacher import FrozenTeacher
from depthkit.registry import MODELS
from depthkit.utils.validation import Count, validate_arguments

_CHECKPOINTS = (".pth", ".pt", ".safetensors")


@MODELS.register_module()
class DepthTeacher(FrozenTeacher):
    """A published model or a checkpoint of depthkit, which answers as `DepthPredictor` does.

    Each image is prepared by the teacher's own pipeline: its size, its multiple, its normalisation. Metres are those
    that `depthkit predict` gives for an image without EXIF, with ``--focal`` where a focal length is given.

    Args:
        model: the name of a published model (`depthkit models`), or the path of a checkpoint that carries its config.
        weights: a file of the published model; None: from the hub's cache or downloaded into it.
        input_size: [px], of a published model; None: its own. A smaller one is faster.

    Raises:
        InputError: there is neither a model nor a file of this name, or the weights cannot be had or do not fit.
    """

    @validate_arguments
    def __init__(self, model: str | Path, weights: str | Path | None = None, input_size: Count | None = None) -> None:
        if Path(model).suffix not in _CHECKPOINTS:
            self.predictor = DepthPredictor.from_pretrained(str(model), weights, input_size, device="cpu")
        elif weights is None and input_size is None:
            self.predictor = DepthPredictor(model, device="cpu")
        else:
            raise InputError(f"teacher {model}: is a checkpoint; weights and input_size are for published models")
        super().__init__(self.predictor.model, self._answer)
        metadata = self.predictor.metadata
        self.name = metadata.get("model", Path(model).name)
        self.kind = self.predictor.kind
        self.follows_focal = self.predictor.can_follow_focal
        self.licence = {key: metadata[key] for key in ("licence", "licence_note") if metadata.get("licence")}

    def _answer(self, model: nn.Module, images: Tensor, focal: float | None) -> Tensor:
        """Return depth [m] or disparity (B, 1, H, W) of RGB images, uint8 (B, 3, H, W)."""
        arrays = images.permute(0, 2, 3, 1).cpu().numpy()
        prepared = [self.predictor.prepare(image, focal=focal)[0] for image in arrays]
        batch = {
            "inputs": torch.cat([one["inputs"] for one in prepared]),
            "data_samples": [one["data_samples"][0] for one in prepared],
        }
        return torch.stack([sample.pred_depth_map.data for sample in self.predictor.run(batch)])
