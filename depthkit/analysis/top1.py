"""Find the class that a model ranks first, and how often that is right."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from depthkit.datasets import ImageNet
from depthkit.models import ClassPreProcessor
from depthkit.utils.imagenet_stats import IMAGENET_MEAN, IMAGENET_STD


def load_batches(dataset: ImageNet, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images (B, 3, H, W), normalised, and their classes (B,), in order, without unreadable images."""
    prepare = ClassPreProcessor(mean=IMAGENET_MEAN, std=IMAGENET_STD)
    for start in range(0, len(dataset), batch_size):
        samples = [dataset[i] for i in range(start, min(start + batch_size, len(dataset)))]
        samples = [sample for sample in samples if "unreadable" not in sample["data_samples"]]
        if samples:
            labels = torch.stack([sample["data_samples"].gt_label for sample in samples])
            yield prepare({key: [sample[key] for sample in samples] for key in samples[0]})["inputs"], labels


@torch.inference_mode()
def classify(model: nn.Module, batches: list[Tensor]) -> Tensor:
    """Return the class (N,) that `model` ranks first for each image of `batches`, each (B, 3, H, W)."""
    return torch.cat([model(images).argmax(dim=-1) for images in batches])


def percent(hits: Tensor) -> float:
    """Return the fraction of a boolean tensor that is True [%]."""
    return 100 * hits.float().mean().item()
