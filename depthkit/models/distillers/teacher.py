"""A trained classifier that another one learns from."""

from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.losses.class_divergence import class_divergence
from depthkit.models.weights import load_weights

KINDS = ("hard", "soft")


class Teacher:
    """Distillation from the class probabilities of one of timm's models (Touvron et al., ICML 2021, section 4).

    Not a module: it is neither trained nor saved. It sees the same pictures as the student, mixed ones too,
    normalised with ImageNet's mean and deviation.

    Args:
        model: its timm name, such as ``regnety_160.deit_in1k``.
        pretrained: True (timm's hub), or the path of a local file with timm's keys.
        kind: ``hard``: the student learns the class that the teacher ranks first; ``soft``: its probabilities.
        weight: of this loss; that of the labels has 1 minus it.
        temperature: of ``soft``; its loss is multiplied by the square (Hinton et al., 2015).

    Raises:
        InputError: an argument out of range, no such model, or weights that cannot be had or do not fit.
    """

    def __init__(
        self,
        model: str,
        pretrained: bool | str | Path = True,
        kind: str = "hard",
        weight: float = 0.5,
        temperature: float = 3.0,
    ) -> None:
        if kind not in KINDS:
            raise InputError(f"teacher: kind={kind!r}; expected one of {', '.join(KINDS)}")
        if not 0 < weight <= 1 or not temperature > 0:
            raise InputError(
                f"teacher: weight={weight!r}, temperature={temperature!r}; expected 0 < weight <= 1 and temperature > 0"
            )
        self.kind = kind
        self.weight = weight
        self.temperature = temperature
        self.model = _create(model, pretrained).requires_grad_(False).eval()

    def loss(self, logits: Tensor, inputs: Tensor) -> Tensor:
        """Loss of the student's `logits` (B, classes) for images (B, 3, H, W), mean over images."""
        with torch.no_grad():
            wanted = self.model.to(inputs.device)(inputs)
        if wanted.shape != logits.shape:
            raise InputError(f"teacher: has {wanted.shape[-1]} classes, the student {logits.shape[-1]}")
        if self.kind == "hard":
            return F.cross_entropy(logits, wanted.argmax(dim=-1))
        return class_divergence(logits, wanted, self.temperature).mean()


def _create(name: str, pretrained: bool | str | Path) -> nn.Module:
    if not timm.is_model(name.partition(".")[0]):
        raise InputError(f"teacher: timm has no model '{name}'; see timm.list_models()")
    try:
        model = timm.create_model(name, pretrained=pretrained is True)
    except Exception as error:  # network, hub and cache failures have no common type
        raise InputError(
            f"teacher: the weights of {name} cannot be downloaded ({type(error).__name__}); without a network, give "
            "a local file as its pretrained"
        ) from error
    if pretrained is not True:
        load_weights(model, pretrained)
    return model
