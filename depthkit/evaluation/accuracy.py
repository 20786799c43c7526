"""The mm metric of classification: top-1 and top-5 accuracy."""

from collections.abc import Sequence
from logging import WARNING
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from depthkit.errors import InputError
from depthkit.registry import METRICS
from depthkit.utils.validation import validate_arguments


@METRICS.register_module()
class Accuracy(BaseMetric):
    """Accuracy [%] of predicted classes: ``top1`` and ``top5``.

    The result has these plain names (``save_best='top1'``), and ``images`` and ``skipped``: the number of images that
    were measured, and of those that could not be read, which the log names.

    Raises:
        InputError: a sample without a class, or scores with NaN; at the end, if no image could be read.
    """

    metric_names = ("top1", "top5")

    @validate_arguments
    def __init__(self) -> None:
        # See DepthProtocolMetric on both arguments.
        super().__init__(collect_device="gpu", prefix="classes")
        self.prefix = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch of samples with ``pred_score`` (classes,) and ``gt_label``."""
        for sample in data_samples:
            if "unreadable" in sample:
                print_log(f"{sample['unreadable']}; skipped", logger="current", level=WARNING)
                self.results.append(sample["unreadable"])
                continue
            if "gt_label" not in sample:
                raise InputError(f"{sample.get('img_path', '')}: has no class (gt_label), so it cannot be evaluated")
            score, label = sample["pred_score"], int(sample["gt_label"])
            if count := int(score.isnan().sum()):
                raise InputError(
                    f"{sample.get('img_path', '')}: {count} of the {len(score)} scores are NaN; use other weights"
                )
            if label >= len(score):
                raise InputError(
                    f"{sample.get('img_path', '')}: is of class {label}, but the model has {len(score)} classes; give "
                    "the images and the number of classes that it was trained with"
                )
            # How many classes are ranked before it. Ties count against the model, because they decide nothing.
            self.results.append(int((~(score < score[label])).sum()) - 1)

    def compute_metrics(self, results: list[int | str]) -> dict[str, float]:
        """Return the fraction of the images whose class is ranked first, and among the first five [%].

        Raises:
            InputError: no image could be read.
        """
        ranks = [rank for rank in results if isinstance(rank, int)]
        if not ranks:
            raise InputError(
                f"none of the {len(results)} images could be read; check their folder; the first error: "
                f"{next(iter(results), 'no image')}"
            )
        top = {f"top{k}": 100 * sum(rank < k for rank in ranks) / len(ranks) for k in (1, 5)}
        return {**top, "images": len(ranks), "skipped": len(results) - len(ranks)}
