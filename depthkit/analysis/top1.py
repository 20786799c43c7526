"""Which classes a model ranks first, and how often rightly."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from depthkit.datasets import ImageNet
from depthkit.models import ClassPreProcessor

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def load_batches(dataset: ImageNet, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield pictures (B, 3, H, W), normalised, and their classes (B,), in order; unreadable pictures are left out."""
    prepare = ClassPreProcessor(mean=MEAN, std=DEVIATION)
    for start in range(0, len(dataset), batch_size):
        samples = [dataset[i] for i in range(start, min(start + batch_size, len(dataset)))]
        samples = [sample for sample in samples if "unreadable" not in sample["data_samples"]]
        if samples:
            labels = torch.stack([sample["data_samples"].gt_label for sample in samples])
            yield prepare({key: [sample[key] for sample in samples] for key in samples[0]})["inputs"], labels


@torch.inference_mode()
def classify(model: nn.Module, batches: list[Tensor]) -> Tensor:
    """The class (n,) that `model` ranks first for each picture."""
    return torch.cat([model(images).argmax(dim=-1) for images in batches])


def percent(hits: Tensor) -> float:
    """Part of a boolean tensor that is True [%]."""
    return 100 * hits.float().mean().item()
