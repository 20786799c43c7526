"""The likeliest classes of an image, by name."""

import torch

from depthkit.datasets.imagenet_labels import imagenet_names


def name_classes(scores: torch.Tensor, count: int = 5) -> tuple[tuple[str, float], ...]:
    """Name the `count` likeliest classes by `scores` (classes,), likeliest first, each with its score.

    1000 classes have ImageNet's names; any other number of them are called "class 7".
    """
    names = imagenet_names() if len(scores) == len(imagenet_names()) else [f"class {i}" for i in range(len(scores))]
    best = scores.topk(min(count, len(scores)))
    return tuple((names[i], score) for score, i in zip(best.values.tolist(), best.indices.tolist(), strict=True))
