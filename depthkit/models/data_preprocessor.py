"""What is done to a batch of pictures for classification, on the model's device."""

import torch
from mmseg.models import SegDataPreProcessor
from timm.data import Mixup
from timm.data.random_erasing import RandomErasing
from torch import Tensor

from depthkit.errors import InputError
from depthkit.registry import MODELS


@MODELS.register_module()
class ClassPreProcessor(SegDataPreProcessor):
    """mmseg's preprocessor (normalisation, stacking); in training then timm's random erasing, Mixup and CutMix.

    Args:
        erase_prob: part of the pictures in which a rectangle becomes noise.
        mixup: arguments of timm's `Mixup`, label smoothing among them; ``prob=0`` mixes nothing and smooths still.
            None leaves classes as they are.
        **seg: of SegDataPreProcessor, ``mean`` and ``std`` among them.

    Raises:
        InputError: a probability out of range; in training, a batch of an odd number to mix.
    """

    def __init__(self, erase_prob: float = 0.0, mixup: dict | None = None, **seg) -> None:
        super().__init__(size_divisor=1, **seg)
        if not 0 <= erase_prob <= 1:
            raise InputError(f"erase_prob={erase_prob!r}: expected a probability between 0 and 1")
        self.erase_prob = erase_prob
        self.mixup = None if mixup is None else Mixup(**mixup)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stack and normalise; in training change pictures and set each sample's `gt_score`.

        Args:
            data: `inputs`, a list of uint8 (3, H, W), and `data_samples` with `gt_label`.
            training: whether to erase and mix.

        Returns:
            `inputs` float (B, 3, H, W), and `data_samples`; with `mixup` these have `gt_score` (classes,), the
            probabilities to be learnt.
        """
        data = super().forward(data, training)
        if not training:
            return data
        inputs = data["inputs"]
        if self.erase_prob:
            inputs = RandomErasing(self.erase_prob, mode="pixel", device=inputs.device)(inputs)
        if self.mixup is not None:
            inputs, scores = self._mix(inputs, torch.stack([sample.gt_label for sample in data["data_samples"]]))
            for sample, score in zip(data["data_samples"], scores, strict=True):
                sample.gt_score = score
        return {**data, "inputs": inputs}

    def _mix(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if len(inputs) % 2:
            raise InputError(
                f"mixup: pictures are mixed in pairs, but the batch has {len(inputs)}; use an even batch_size"
            )
        if int(labels.max()) >= self.mixup.num_classes:
            raise InputError(
                f"mixup: num_classes={self.mixup.num_classes}, but a picture is of class {int(labels.max())}"
            )
        return self.mixup(inputs, labels.to(inputs.device))
