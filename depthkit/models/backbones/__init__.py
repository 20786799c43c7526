"""Backbones: images to tokens and maps (`Features`)."""

from depthkit.models.backbones import timm_models  # noqa: F401  (registers the timm names)
from depthkit.models.backbones.deit import DeiT
from depthkit.models.backbones.dinov2 import DINOv2
from depthkit.models.backbones.evit import EViT
from depthkit.models.backbones.features import Features
from depthkit.models.backbones.foreign import extract_features
from depthkit.models.backbones.from_timm import tosa_from_timm
from depthkit.models.backbones.tome import ToMe
from depthkit.models.backbones.tosa import ToSA

__all__ = ["DINOv2", "DeiT", "EViT", "Features", "ToMe", "ToSA", "extract_features", "tosa_from_timm"]
