"""What all models of depthkit share: mmengine's three modes and a preprocessor from our registry."""

from abc import abstractmethod
from typing import Any

from mmengine.model import BaseModel
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.registry import MODELS


class DepthkitModel(BaseModel):
    """A model for mmengine's Runner; a subclass gives `_forward`, `loss` and `predict`.

    Args:
        data_preprocessor: config of the module that stacks and normalises the images of a batch.
        init_cfg: as mmengine's.
    """

    def __init__(self, data_preprocessor: dict | None, init_cfg: dict | list[dict] | None) -> None:
        # Built here because mmengine looks in its own registry when no default scope is set.
        super().__init__(MODELS.build(data_preprocessor) if data_preprocessor else None, init_cfg)

    def forward(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor") -> Any:
        """Run the model in one of mmengine's modes.

        Args:
            inputs: normalised images (B, 3, H, W).
            data_samples: one for each image; ``predict`` makes empty ones where there are none.
            mode: ``tensor``: what `_forward` returns; ``loss`` and ``predict``: what the methods of these names do.

        Raises:
            ValueError: another mode.
        """
        if mode == "tensor":
            return self._forward(inputs)
        if mode == "loss":
            return self.loss(inputs, data_samples)
        if mode == "predict":
            return self.predict(inputs, data_samples or [SegDataSample() for _ in inputs])
        raise ValueError(f"mode={mode!r}: expected 'tensor', 'loss' or 'predict'")

    @abstractmethod
    def _forward(self, inputs: Tensor) -> Any:
        """Return the plain output for images (B, 3, H, W)."""

    @abstractmethod
    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return the losses for images (B, 3, H, W), scalars named ``loss_*``."""

    @abstractmethod
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Return the data samples with the predictions for images (B, 3, H, W)."""

    def carried_config(self, config: dict) -> dict:
        """Return what a checkpoint of this model carries as its config, of the plain `config` of the training."""
        return config

    def _dump_init_info(self) -> None:
        """Log nothing: mmengine would write 600 lines here; `load_backbone` writes one."""
