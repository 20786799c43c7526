"""A trained model that another one learns from."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class FrozenTeacher:
    """A frozen model that is not a submodule: it is neither trained, nor saved, nor synchronised.

    Args:
        model: is set to evaluation mode and frozen.
        call: what to do with the model, images (B, 3, H, W) and further arguments; by default the model is called.
    """

    def __init__(self, model: nn.Module, call: Callable[..., Any] = nn.Module.__call__) -> None:
        self.model = model.requires_grad_(False).eval()
        self._call = call

    @torch.no_grad()
    def __call__(self, images: Tensor, *arguments: object) -> Any:
        """Return the teacher's answer to images (B, 3, H, W), on their device and without gradients."""
        return self._call(self.model.to(images.device), images, *arguments)

    def __deepcopy__(self, memo: dict) -> "FrozenTeacher":
        """Return itself: a moving average of the student's weights needs no second teacher."""
        return self
