"""The one place where backbones of other packages meet the contract of ours."""

from torch import Tensor, nn

from depthkit.models.backbones.deit import DeiT
from depthkit.models.backbones.features import Features


def extract_features(backbone: nn.Module, images: Tensor) -> Features:
    """Run a backbone of ours, or any mm backbone, on images (B, 3, H, W).

    A function, not a wrapper module: state-dict keys of a foreign backbone stay ``backbone.<its own key>``.

    Args:
        backbone: a `DeiT` or subclass with `out_indices`; or a module that gives a map (B, C, h, w), or a sequence of
            them, such as mmseg's backbones.
        images: normalised.

    Returns:
        The maps; of a backbone of ours also its losses.
    """
    if isinstance(backbone, DeiT):
        return backbone.extract_features(images)
    maps = backbone(images)
    return Features(maps=(maps,) if isinstance(maps, Tensor) else tuple(maps))
