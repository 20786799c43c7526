"""Distillation of a classifier from one of timm's models."""

from pathlib import Path
from typing import Annotated, Literal

import timm
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.distillers.teacher import FrozenTeacher
from depthkit.models.losses.class_divergence import class_divergence
from depthkit.models.weights import load_weights
from depthkit.utils.validation import Positive, validate_arguments


class ClassTeacher:
    """Teach the class probabilities of a timm model (Touvron et al., ICML 2021, section 4).

    The teacher sees the same images as the student, mixed ones too, normalised with ImageNet's mean and std.

    Args:
        model: its timm name, such as ``regnety_160.deit_in1k``.
        pretrained: True (timm's hub), or the path of a local file with timm's keys.
        kind: ``hard``: the student learns the class that the teacher ranks first; ``soft``: its probabilities.
        loss_weight: of this loss; the loss against the labels is weighted by 1 minus it.
        temperature: of ``soft``; its loss is multiplied by the square (Hinton et al., 2015).

    Raises:
        InputError: an argument is out of range, timm has no such model, or the weights are not available or do not
            fit.
    """

    @validate_arguments
    def __init__(
        self,
        model: str,
        pretrained: bool | str | Path = True,
        kind: Literal["hard", "soft"] = "hard",
        loss_weight: Annotated[float, Field(gt=0, le=1)] = 0.5,
        temperature: Positive = 3.0,
    ) -> None:
        self.kind = kind
        self.loss_weight = loss_weight
        self.temperature = temperature
        self.teacher = FrozenTeacher(_create(model, pretrained))

    def loss(self, logits: Tensor, inputs: Tensor) -> Tensor:
        """Return the loss, not yet weighted, of the student's `logits` (B, classes) for images (B, 3, H, W).

        Raises:
            InputError: the teacher has another number of classes.
        """
        wanted = self.teacher(inputs)
        if wanted.shape != logits.shape:
            raise InputError(
                f"teacher: has {wanted.shape[-1]} classes, the student {logits.shape[-1]}; name a teacher with the "
                "student's classes"
            )
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
