"""The classification model: backbone, head, and mmengine's three modes around them."""

from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.distillers.teacher import Teacher
from depthkit.models.heads.cls_head import check_readout, load_backbone_and_head
from depthkit.registry import MODELS


@MODELS.register_module()
class Classifier(BaseModel):
    """Images to classes: a vision transformer of ours and a `ClsHead`.

    Args:
        backbone: config of a DeiT, ToSA or EViT without a classifier of its own (num_classes=0).
        cls_head: config of a ClsHead.
        pretrained: weights of both: True (timm's hub), or the path of a file: timm's or DeiT's own, or a checkpoint
            of one of our models.
        new_head: start the head anew and take from `pretrained` the backbone only: for other classes.
        teacher: arguments of `Teacher`, for distillation; no part of the checkpoint.
        data_preprocessor, init_cfg: as mmengine's; `ClassPreProcessor` mixes and smooths.

    Raises:
        InputError: parts that do not go together, or weights that cannot be had or do not fit.
    """

    def __init__(
        self,
        backbone: dict,
        cls_head: dict,
        pretrained: bool | str | Path | None = None,
        new_head: bool = False,
        teacher: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor) if data_preprocessor else None, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.cls_head = MODELS.build(cls_head)
        check_readout(self.cls_head, self.backbone)
        # In a list, so that it is no submodule: neither trained, nor saved, nor synchronised between processes.
        self._teacher = [Teacher(**teacher)] if teacher else []
        if pretrained:
            load_backbone_and_head(self.backbone, self.cls_head, pretrained, new_head)

    def forward(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[SegDataSample]:
        """Normalised images (B, 3, H, W): ``tensor`` gives logits (B, classes), ``loss`` a dict of losses,
        ``predict`` data samples with ``pred_score`` (classes,), the probabilities."""
        if mode == "tensor":
            features = self.backbone.extract_features(inputs, with_tokens=True)
            return self.cls_head(features.tokens, self.backbone.num_prefix_tokens)
        if mode == "loss":
            return self.loss(inputs, data_samples)
        if mode == "predict":
            return add_scores(data_samples or [SegDataSample() for _ in inputs], self(inputs))
        raise ValueError(f"mode={mode!r}: expected 'tensor', 'loss' or 'predict'")

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """``loss_classes`` against the labels, ``loss_teacher`` where there is one, and the backbone's own.

        With a distillation token and a teacher each token learns from its own: the class token from the labels,
        the distillation token from the teacher (Touvron et al., ICML 2021, section 4).
        """
        features = self.backbone.extract_features(inputs, with_tokens=True)
        each = self.cls_head.both(features.tokens, self.backbone.num_prefix_tokens)
        target = targets(data_samples, inputs.device)
        if not self._teacher:
            return {"loss_classes": self.cls_head.loss(sum(each) / len(each), target), **features.losses}
        teacher = self._teacher[0]
        return {
            "loss_classes": (1 - teacher.weight) * self.cls_head.loss(each[0], target),
            "loss_teacher": teacher.weight * teacher.loss(each[-1], inputs),
            **features.losses,
        }

    def _dump_init_info(self) -> None:
        """Nothing: mmengine would log three lines for each of 200 parameters; `load_backbone` reports in one."""


def targets(data_samples: list[SegDataSample], device: torch.device) -> Tensor:
    """What is to be learnt: the samples' `gt_score` (B, classes) where they are mixed, else `gt_label` (B,).

    Raises:
        InputError: samples without either.
    """
    for name in ("gt_score", "gt_label"):
        if all(name in sample for sample in data_samples):
            return torch.stack([sample.get(name) for sample in data_samples]).to(device)
    raise InputError("the pictures have no classes (gt_label) to learn; use the data set ImageNet and PackClassInputs")


def add_scores(data_samples: list[SegDataSample], logits: Tensor) -> list[SegDataSample]:
    """Give each sample its `pred_score` (classes,), the probabilities by `logits` (B, classes)."""
    for sample, score in zip(data_samples, logits.float().softmax(dim=-1), strict=True):
        sample.pred_score = score
    return data_samples
