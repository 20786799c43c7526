"""Prepare a batch of images for classification, on the model's device."""

from collections.abc import Sequence

import torch
from mmseg.models import SegDataPreProcessor
from timm.data import Mixup
from timm.data.random_erasing import RandomErasing
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.further_arguments import check_further_arguments
from depthkit.registry import MODELS
from depthkit.utils.validation import Probability, validate_arguments


@MODELS.register_module()
class ClassPreProcessor(SegDataPreProcessor):
    """Normalise and stack images; in training also apply timm's random erasing, Mixup and CutMix.

    Args:
        mean: of each channel, for pixels from 0 to 255.
        std: of each channel.
        erase_prob: fraction of the images in which a rectangle becomes noise.
        mixup: arguments of timm's `Mixup`, label smoothing among them; ``prob=0`` mixes nothing but still smooths.
            None leaves classes as they are.
        **seg: further arguments of SegDataPreProcessor.

    Raises:
        InputError: an argument is wrong; in training, an odd number of images to mix.
    """

    @validate_arguments
    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        erase_prob: Probability = 0.0,
        mixup: dict | None = None,
        **seg,
    ) -> None:
        check_further_arguments(ClassPreProcessor, seg, SegDataPreProcessor)
        check_further_arguments(Mixup, mixup or {}, Mixup)
        super().__init__(mean=mean, std=std, **{"size_divisor": 1, **seg})
        self.erase_prob = erase_prob
        self.mixup = None if mixup is None else Mixup(**mixup)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Stack and normalise; in training change images and set each sample's `gt_score`.

        Args:
            data: `inputs`, a list of uint8 (3, H, W), and `data_samples` with `gt_label`.
            training: whether to erase and mix.

        Returns:
            `inputs` float (B, 3, H, W), and `data_samples`; with `mixup` these have `gt_score` (classes,), the
            probabilities to learn.
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
                f"mixup: images are mixed in pairs, but the batch has {len(inputs)}; use an even batch_size"
            )
        if int(labels.max()) >= self.mixup.num_classes:
            raise InputError(
                f"mixup: num_classes={self.mixup.num_classes}, but an image is of class {int(labels.max())}; give "
                "the number of classes of the data set"
            )
        return self.mixup(inputs, labels.to(inputs.device))
