"""Depth and classes from one pass through one backbone."""

from pathlib import Path

from mmseg.structures import SegDataSample
from torch import Tensor

from depthkit.errors import InputError
from depthkit.models.estimators.classifier import add_scores, targets
from depthkit.models.estimators.depth_estimator import DepthEstimator
from depthkit.models.heads.cls_head import check_readout, load_backbone_and_head
from depthkit.registry import MODELS
from depthkit.utils.validation import validate_arguments


@MODELS.register_module()
class DepthClassifier(DepthEstimator):
    """A `DepthEstimator` that also names the class of an image; the backbone runs once for both heads.

    Images with depth train the decoder, images with a class the classifier, images with both train both. With
    a frozen backbone the classes stay exactly those of `pretrained`, whatever depth is learnt.

    Args:
        backbone: config of a DeiT, ToSA or EViT with `out_indices` and without a classifier of its own.
        cls_head: config of a ClsHead.
        pretrained: weights of backbone and `cls_head`, as in `Classifier`.
        freeze_backbone: train the decoder only.
        **depth: the other arguments of `DepthEstimator`; ``test_cfg`` without ``slide``, because a window does not
            show what the image shows.

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
        freeze_backbone: bool = False,
        **depth,
    ) -> None:
        super().__init__(backbone=backbone, **depth)
        self.cls_head = MODELS.build(cls_head)
        check_readout(self.cls_head, self.backbone)
        if self.test_cfg["mode"] == "slide":
            raise InputError("test_cfg: DepthClassifier looks at complete images; use mode='whole'")
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

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Return the losses of what all images of the batch have, depth or class, and the backbone's own.

        Raises:
            InputError: not all images have depth, and not all have a class.
        """
        depth, logits, losses = self._depth_and_logits(inputs)
        has_depth = all("gt_depth_map" in sample for sample in data_samples)
        has_class = all("gt_label" in sample for sample in data_samples)
        if not (has_depth or has_class):
            raise InputError(
                "the images of a batch have neither all a depth map nor all a class to learn; train on a data set that "
                "gives each image a depth map or a class"
            )
        if has_depth:
            losses = {**self._depth_loss(depth, data_samples), **losses}
        if has_class:
            losses["loss_classes"] = self.cls_head.loss(logits, targets(data_samples, inputs.device))
        return losses

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Predict depth as `DepthEstimator.predict` does, and `pred_score` (classes,) for each image."""
        depth, logits = self._infer(inputs)
        if self.test_cfg["flip"]:
            mirrored, other = self._infer(inputs.flip(-1))
            depth, logits = (depth + mirrored.flip(-1)) / 2, (logits + other) / 2
        return add_scores(self._add_depth(data_samples, depth), logits)

    def _forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return depth (B, 1, H, W) [m] and logits (B, classes) of images (B, 3, H, W)."""
        return self._depth_and_logits(inputs)[:2]

    def _depth_and_logits(self, inputs: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return depth (B, 1, H, W) [m], logits (B, classes), and the backbone's losses."""
        padded = self.pad(inputs)
        features = self.backbone.extract_features(padded, with_tokens=True)
        logits = self.cls_head(features.tokens, self.backbone.num_prefix_tokens)
        return self._decode(features, padded, inputs), logits, features.losses
