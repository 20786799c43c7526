"""Depth and classes from one pass through one backbone."""

from pathlib import Path

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.estimators.classifier import add_scores, targets
from depthkit.models.estimators.depth_estimator import DepthEstimator
from depthkit.models.heads.cls_head import check_readout, load_backbone_and_head
from depthkit.registry import MODELS


@MODELS.register_module()
class DepthClassifier(DepthEstimator):
    """A `DepthEstimator` that also says what is in the picture: the backbone runs once for both heads.

    Pictures with depth train the decoder, pictures with a class the classifier, pictures with both the two. With
    a frozen backbone the classes stay exactly those of `pretrained`, whatever depth is learnt.

    Args:
        backbone: config of a DeiT, ToSA or EViT with `out_indices` and without a classifier of its own.
        cls_head: config of a ClsHead.
        pretrained: weights of backbone and `cls_head`, as in `Classifier`.
        freeze_backbone: train the decoder only.
        **depth: the other arguments of `DepthEstimator`; ``test_cfg`` without ``slide``, for a window is not what
            the picture shows.

    Raises:
        InputError: parts that do not go together, or weights that cannot be had or do not fit.
    """

    def __init__(
        self,
        backbone: dict,
        cls_head: dict,
        pretrained: bool | str | Path | None = None,
        freeze_backbone: bool = False,
        **depth,
    ) -> None:
        super().__init__(backbone=backbone, **depth)
        self.cls_head = MODELS.build(cls_head)
        check_readout(self.cls_head, self.backbone)
        if self.test_cfg["mode"] != "whole":
            raise InputError("test_cfg: DepthClassifier looks at whole pictures; use mode='whole'")
        if pretrained:
            load_backbone_and_head(self.backbone, self.cls_head, pretrained, new_head=False)
        self.freeze_backbone = freeze_backbone
        if freeze_backbone:
            self.backbone.requires_grad_(False)
            self.cls_head.requires_grad_(False)

    def train(self, mode: bool = True) -> "DepthClassifier":
        """Set the mode; a frozen backbone stays in evaluation mode, without stochastic depth."""
        super().train(mode)
        if self.freeze_backbone:
            self.backbone.eval()
        return self

    def forward(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor"
    ) -> tuple[Tensor, Tensor] | dict[str, Tensor] | list[SegDataSample]:
        """As `DepthEstimator.forward`; ``tensor`` gives depth (B, 1, H, W) [m] and logits (B, classes), ``predict``
        data samples that have `pred_score` (classes,) besides."""
        return self.answer(inputs)[:2] if mode == "tensor" else super().forward(inputs, data_samples, mode)

    def answer(self, inputs: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Depth (B, 1, H, W) [m] and logits (B, classes) of images (B, 3, H, W), and the backbone's losses."""
        padded = self.pad(inputs)
        features = self.backbone.extract_features(padded, with_tokens=True)
        logits = self.cls_head(features.tokens, self.backbone.num_prefix_tokens)
        return self._decode(features, padded, inputs), logits, features.losses

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Losses of whatever all pictures of the batch have, depth or class, and the backbone's own."""
        depth, logits, losses = self.answer(inputs)
        has_depth = all("gt_depth_map" in sample for sample in data_samples)
        has_class = all("gt_label" in sample for sample in data_samples)
        if not (has_depth or has_class):
            raise InputError("the pictures of a batch have neither all a depth map nor all a class to learn")
        if has_depth:
            gt = torch.stack([sample.gt_depth_map.data for sample in data_samples]).to(depth.device)
            losses = {**self.decode_head.loss(depth, gt), **losses}
        if has_class:
            losses["loss_classes"] = self.cls_head.loss(logits, targets(data_samples, inputs.device))
        return losses

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """As `DepthEstimator.predict`, with `pred_score` (classes,) for each image."""
        depth, logits, _ = self.answer(inputs)
        if self.test_cfg["flip"]:
            mirrored, other, _ = self.answer(inputs.flip(-1))
            depth, logits = (depth + mirrored.flip(-1)) / 2, (logits + other) / 2
        return add_scores(self._add_depth(data_samples or [SegDataSample() for _ in inputs], depth), logits)
