"""Backbones, decoder and the models built of them; importing this registers them with mm and timm."""

from depthkit.models.backbones import DeiT, ToSA
from depthkit.models.depth_estimator import DepthEstimator
from depthkit.models.dpt_head import DPTHead
from depthkit.models.losses import GradientLoss, SILogLoss
from depthkit.models.selector import TokenSelector

__all__ = ["DPTHead", "DeiT", "DepthEstimator", "GradientLoss", "SILogLoss", "ToSA", "TokenSelector"]
