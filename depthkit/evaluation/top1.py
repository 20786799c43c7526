"""Top-1 accuracy on folders of ImageNet pictures, and how often a model agrees with another one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.io import read_rgb

# What every picture goes through, as DeiT was evaluated but for the size before the crop (its own is 248).
TRANSFORM = "resize to 256 px (shorter side, bicubic), centre crop 224 px, ImageNet mean and deviation"


def imagenet_labels(files: Sequence[Path]) -> Tensor:
    """Class indices (n,) of pictures by the name of their folder, its place among all 1000 sorted wnids.

    A folder of part of the classes thus has the right labels.

    Raises:
        InputError: a folder that is no wnid of ImageNet-1k.
    """
    from timm.data import ImageNetInfo

    place = {wnid: index for index, wnid in enumerate(sorted(ImageNetInfo().label_names()))}
    for file in files:
        if file.parent.name not in place:
            raise InputError(
                f"{file}: its folder '{file.parent.name}' is no class of ImageNet-1k; expected folders "
                "named by wnid, such as n01440764"
            )
    return torch.tensor([place[file.parent.name] for file in files])


def load_batches(files: Sequence[Path], batch_size: int) -> Iterator[Tensor]:
    """Yield pictures as `TRANSFORM` says, (B, 3, 224, 224), in order."""
    from torchvision.transforms import v2

    prepare = v2.Compose(
        [
            v2.Resize(256, interpolation=v2.InterpolationMode.BICUBIC, antialias=True),
            v2.CenterCrop(224),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    for start in range(0, len(files), batch_size):
        pictures = (torch.from_numpy(read_rgb(file)) for file in files[start : start + batch_size])
        yield torch.stack([prepare(picture.permute(2, 0, 1)) for picture in pictures])


@torch.inference_mode()
def classify(model: nn.Module, batches: Iterator[Tensor] | Sequence[Tensor]) -> Tensor:
    """The class (n,) that `model` ranks first for each picture."""
    return torch.cat([model(images).argmax(dim=-1) for images in batches])


def percent(hits: Tensor) -> float:
    """Part of a boolean tensor that is True [%]."""
    return 100 * hits.float().mean().item()
