"""Backbones, heads and the models made of them; importing this registers them with mm and timm."""

from depthkit.models.backbones import DeiT, DINOv2, EViT, ToMe, ToSA, tosa_from_timm
from depthkit.models.data_preprocessor import ClassPreProcessor
from depthkit.models.distillers.depth_distiller import DepthDistiller
from depthkit.models.distillers.selector_distiller import SelectorDistiller
from depthkit.models.distillers.token_distiller import TokenDistiller
from depthkit.models.estimators.classifier import Classifier
from depthkit.models.estimators.depth_classifier import DepthClassifier
from depthkit.models.estimators.depth_estimator import DepthEstimator
from depthkit.models.heads.cls_head import ClsHead
from depthkit.models.heads.dpt_head import DPTHead
from depthkit.models.layers.selector import TokenSelector
from depthkit.models.losses.depth_losses import GradientLoss, RelativeLoss, ScaleInvariantLogLoss
from depthkit.models.losses.disparity_losses import AlignedGradientLoss, ScaleShiftInvariantLoss

__all__ = [
    "AlignedGradientLoss",
    "ClassPreProcessor",
    "Classifier",
    "ClsHead",
    "DINOv2",
    "DPTHead",
    "DeiT",
    "DepthClassifier",
    "DepthDistiller",
    "DepthEstimator",
    "EViT",
    "GradientLoss",
    "RelativeLoss",
    "ScaleInvariantLogLoss",
    "ScaleShiftInvariantLoss",
    "SelectorDistiller",
    "ToMe",
    "ToSA",
    "TokenDistiller",
    "TokenSelector",
    "tosa_from_timm",
]
