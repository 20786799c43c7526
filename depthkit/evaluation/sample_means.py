"""The mm metric for models that measure themselves: means over pictures."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from depthkit.errors import InputError
from depthkit.registry import METRICS


@METRICS.register_module()
class SampleMeans(BaseMetric):
    """Means over all pictures of the numbers in their samples' `measures`.

    `SelectorDistiller` and `TokenDistiller` predict such samples. A measure with one number for each layer
    counts with its mean, and its layers are logged. The result has the measures' plain names
    (``save_best='kl'``) and
    ``images``, their number.

    Raises:
        InputError: a sample without `measures`, or no sample.
    """

    def __init__(self) -> None:
        # See DepthProtocolMetric on both arguments.
        super().__init__(collect_device="gpu", prefix="measures")
        self.prefix = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch of samples with `measures`, a dict of tensors of 0 or 1 dimension."""
        for sample in data_samples:
            if "measures" not in sample:
                raise InputError("SampleMeans: the model's predictions have no 'measures'; use another metric")
            values = {name: torch.as_tensor(value).double() for name, value in sample["measures"].items()}
            self.results.append({name: value.tolist() for name, value in values.items()})

    def compute_metrics(self, results: list[dict[str, float | list[float]]]) -> dict[str, float]:
        """The mean of each measure, and ``images``."""
        if not results:
            raise InputError("SampleMeans: no picture was evaluated")
        metrics: dict[str, float] = {}
        for name in results[0]:
            mean = torch.tensor([result[name] for result in results], dtype=torch.float64).mean(dim=0)
            if mean.ndim:
                print_log(f"{name} by layer: {' '.join(f'{value:.3f}' for value in mean)}", logger="current")
            metrics[name] = mean.mean().item()
        return {**metrics, "images": len(results)}
