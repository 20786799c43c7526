"""The mm metric for models that measure themselves: means over images."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from depthkit.errors import InputError
from depthkit.registry import METRICS
from depthkit.utils.validation import validate_arguments


@METRICS.register_module()
class SampleMeans(BaseMetric):
    """Means over all images of the numbers in their samples' ``measures``.

    `SelectorDistiller` and `TokenDistiller` predict such samples. A measure with one number per layer counts with its
    mean, and the log has its layers. The result has the plain names of the measures (``save_best='kl'``), and
    ``images``, the number of images.

    Raises:
        InputError: a sample has no ``measures``, or there is no sample.
    """

    @validate_arguments
    def __init__(self) -> None:
        # See DepthProtocolMetric on both arguments.
        super().__init__(collect_device="gpu", prefix="measures")
        self.prefix = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch of samples with ``measures``, a dict of tensors of 0 or 1 dimension."""
        for sample in data_samples:
            if "measures" not in sample:
                raise InputError("SampleMeans: the model's predictions have no 'measures'; use another metric")
            values = {name: torch.as_tensor(value).double() for name, value in sample["measures"].items()}
            self.results.append({name: value.tolist() for name, value in values.items()})

    def compute_metrics(self, results: list[dict[str, float | list[float]]]) -> dict[str, float]:
        """Compute the mean of each measure, and ``images``.

        Raises:
            InputError: there is no sample.
        """
        if not results:
            raise InputError("SampleMeans: no image was evaluated; check the data of val_dataloader")
        metrics: dict[str, float] = {}
        for name in results[0]:
            mean = torch.tensor([result[name] for result in results], dtype=torch.float64).mean(dim=0)
            if mean.ndim:
                print_log(f"{name} by layer: {' '.join(f'{value:.3f}' for value in mean)}", logger="current")
            metrics[name] = mean.mean().item()
        return {**metrics, "images": len(results)}
