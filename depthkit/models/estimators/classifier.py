"""The classification model: backbone and head."""

from pathlib import Path

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.base_model import DepthkitModel
from depthkit.models.distillers.class_teacher import ClassTeacher
from depthkit.models.heads.cls_head import check_readout, load_backbone_and_head
from depthkit.registry import MODELS
from depthkit.utils.validation import validate_arguments


@MODELS.register_module()
class Classifier(DepthkitModel):
    """Images to classes: a vision transformer of ours and a `ClsHead`.

    Args:
        backbone: config of a DeiT, ToSA or EViT without a classifier of its own (num_classes=0).
        cls_head: config of a ClsHead.
        pretrained: weights of both: True (timm's hub), or the path of a file: timm's or DeiT's own, or a checkpoint
            of one of our models.
        new_head: start the head anew and take only the backbone from `pretrained`: for other classes.
        teacher: arguments of `ClassTeacher`, for distillation; the checkpoint does not hold it.
        data_preprocessor: config; `ClassPreProcessor` mixes and smooths.
        init_cfg: as mmengine's.

    Raises:
        InputError: an argument is wrong, the parts do not fit each other, or the weights are not available or do not
            fit.
    """

    @validate_arguments
    def __init__(
        self,
        backbone: dict,
        cls_head: dict,
        pretrained: bool | str | Path | None = None,
        new_head: bool = False,
        teacher: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.cls_head = MODELS.build(cls_head)
        check_readout(self.cls_head, self.backbone)
        self.teacher = ClassTeacher(**teacher) if teacher else None
        if pretrained:
            load_backbone_and_head(self.backbone, self.cls_head, pretrained, new_head)

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return ``loss_classes``, with a teacher ``loss_teacher``, and the backbone's own losses.

        With a distillation token and a teacher each token learns from its own: the class token from the labels,
        the distillation token from the teacher (Touvron et al., ICML 2021, section 4).
        """
        features = self.backbone.extract_features(inputs, with_tokens=True)
        each = self.cls_head.both(features.tokens, self.backbone.num_prefix_tokens)
        target = targets(data_samples, inputs.device)
        if self.teacher is None:
            return {"loss_classes": self.cls_head.loss(sum(each) / len(each), target), **features.losses}
        weight = self.teacher.loss_weight
        return {
            "loss_classes": (1 - weight) * self.cls_head.loss(each[0], target),
            "loss_teacher": weight * self.teacher.loss(each[-1], inputs),
            **features.losses,
        }

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Give each sample its `pred_score` (classes,), the probabilities."""
        return add_scores(data_samples, self._forward(inputs))

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, classes) of images (B, 3, H, W)."""
        features = self.backbone.extract_features(inputs, with_tokens=True)
        return self.cls_head(features.tokens, self.backbone.num_prefix_tokens)


def targets(data_samples: list[SegDataSample], device: torch.device) -> Tensor:
    """Return what to learn: the samples' `gt_score` (B, classes) if mixed, else `gt_label` (B,).

    Raises:
        InputError: a sample has neither.
    """
    for name in ("gt_score", "gt_label"):
        if all(name in sample for sample in data_samples):
            return torch.stack([sample.get(name) for sample in data_samples]).to(device)
    raise InputError("the images have no classes (gt_label) to learn; use the data set ImageNet and PackClassInputs")


def add_scores(data_samples: list[SegDataSample], logits: Tensor) -> list[SegDataSample]:
    """Give each sample its `pred_score` (classes,), the probabilities by `logits` (B, classes)."""
    for sample, score in zip(data_samples, logits.float().softmax(dim=-1), strict=True):
        sample.pred_score = score
    return data_samples
