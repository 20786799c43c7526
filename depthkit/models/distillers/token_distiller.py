"""Fine-tuning a token selecting backbone with the dense model as its teacher, on pictures without labels."""

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT
from depthkit.models.losses.class_divergence import class_divergence
from depthkit.registry import MODELS


@MODELS.register_module()
class TokenDistiller(BaseModel):
    """A student that selects tokens learns to give what the dense teacher gives: logits and tokens.

    No labels are needed. For a ToSA the selectors' own loss goes on beside it (top-k passes them no other
    gradient). The teacher is no part of the checkpoint; ``ToSA(pretrained=...)`` reads it, for the student's
    weights are under ``backbone.``.

    Args:
        backbone: config of the student, a ToSA or another backbone of ours, with as many classes as the teacher.
        teacher: config of the dense model, a DeiT with `pretrained`.
        logits_weight: of the KL divergence of the student's class probabilities from the teacher's.
        tokens_weight: of the mean squared difference of normalised tokens after the last layer.
        layers_weight: of the same after each layer before it, mean over layers.
        temperature: divides both logits; their loss is multiplied by its square (Hinton et al., 2015).
        data_preprocessor, init_cfg: as mmengine's.

    Raises:
        InputError: a weight below 0, all of them 0, a temperature that is not above 0, or a student and a
            teacher of different depth, width or classes.
    """

    def __init__(
        self,
        backbone: dict,
        teacher: dict,
        logits_weight: float = 1.0,
        tokens_weight: float = 1.0,
        layers_weight: float = 0.0,
        temperature: float = 1.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor) if data_preprocessor else None, init_cfg)
        self.weights = {"logits": logits_weight, "tokens": tokens_weight, "layers": layers_weight}
        if min(self.weights.values()) < 0 or not any(self.weights.values()):
            raise InputError(f"weights of the losses {self.weights}: expected 0 or more, and one above 0")
        if not temperature > 0:
            raise InputError(f"temperature={temperature!r}: expected a number above 0")
        self.temperature = temperature
        self.backbone = _build_with_every_layer(backbone)
        # In a list, so that it is no submodule: neither trained, nor saved, nor synchronised between
        # processes.
        self._teacher = [_build_with_every_layer(teacher).requires_grad_(False).eval()]
        _check_alike(self.backbone, self._teacher[0])
        if logits_weight and not self.backbone.num_classes:
            raise InputError(
                "logits_weight: student and teacher have no classes (num_classes=0); give num_classes=1000 "
                "to both, or logits_weight=0"
            )

    def forward(
        self, inputs: Tensor, data_samples: list[SegDataSample] | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[SegDataSample]:
        """Normalised images (B, 3, H, W): ``tensor`` gives the student's logits (B, classes), ``loss`` a
        dict of losses, ``predict`` data samples with `measures` (see there)."""
        if mode == "tensor":
            return self.backbone.forward_head(self.backbone.norm(_layers(self.backbone, inputs)[0][-1]))
        if mode == "loss":
            return self.loss(inputs)
        if mode == "predict":
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode={mode!r}: expected 'tensor', 'loss' or 'predict'")

    def loss(self, inputs: Tensor) -> dict[str, Tensor]:
        """``loss_logits``, ``loss_tokens``, ``loss_layers`` where their weight is not 0, and the student's
        own (``loss_selector``)."""
        student, losses = _layers(self.backbone, inputs)
        with torch.no_grad():
            teacher, _ = _layers(self._teacher_on(inputs), inputs)
        if self.weights["logits"]:
            divergence = self._divergence(student[-1], teacher[-1]).mean()
            losses = {"loss_logits": self.weights["logits"] * divergence, **losses}
        if self.weights["tokens"]:
            losses["loss_tokens"] = self.weights["tokens"] * _difference(student[-1], teacher[-1])
        if self.weights["layers"]:
            each = [_difference(s, t) for s, t in zip(student[:-1], teacher[:-1], strict=True)]
            losses["loss_layers"] = self.weights["layers"] * torch.stack(each).mean()
        return losses

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Give each image's sample `measures`: how near the student comes to its teacher.

        ``cosine``: of their normalised final tokens, mean over tokens; with classes also ``agreement``: 1
        where both name the same class first, else 0, and ``kl``: divergence of the class probabilities.
        """
        samples = data_samples or [SegDataSample() for _ in inputs]
        student = _layers(self.backbone, inputs)[0][-1]
        teacher = _layers(self._teacher_on(inputs), inputs)[0][-1]
        measures = {"cosine": F.cosine_similarity(_standardised(student), _standardised(teacher), dim=-1).mean(1)}
        if self.backbone.num_classes:
            own, wanted = self._logits(student, teacher)
            measures["agreement"] = (own.argmax(dim=-1) == wanted.argmax(dim=-1)).float()
            measures["kl"] = self._divergence(student, teacher)
        for i, sample in enumerate(samples):
            sample.measures = {name: values[i].cpu() for name, values in measures.items()}
        return samples

    def _divergence(self, student: Tensor, teacher: Tensor) -> Tensor:
        """KL divergence (B,) of class probabilities at the temperature, from final tokens (B, N, C) of
        both."""
        return class_divergence(*self._logits(student, teacher), self.temperature)

    def _logits(self, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        own = self.backbone.forward_head(self.backbone.norm(student))
        expert = self._teacher_on(teacher)
        return own, expert.forward_head(expert.norm(teacher))

    def _teacher_on(self, like: Tensor) -> nn.Module:
        """The teacher, on the device of `like`."""
        return self._teacher[0].to(like.device)

    def _dump_init_info(self) -> None:
        """Nothing: mmengine would log three lines for each of 200 parameters; `load_backbone` reports in
        one."""


def _build_with_every_layer(config: dict) -> nn.Module:
    """Build a backbone of ours that is tapped after each of its layers."""
    if "out_indices" in config:
        raise InputError("out_indices: TokenDistiller looks at every layer; leave it out of the config")
    model = MODELS.build(config)
    if not isinstance(model, DeiT):
        raise InputError(f"{type(model).__name__}: expected a backbone of depthkit's, such as ToSA or DeiT")
    model.out_indices = tuple(range(len(model.blocks)))
    return model


def _check_alike(student: nn.Module, teacher: nn.Module) -> None:
    for name, value in (
        ("depth", lambda model: len(model.blocks)),
        ("embed_dim", lambda model: model.embed_dim),
        ("num_classes", lambda model: model.num_classes),
        ("prefix tokens (distilled)", lambda model: model.num_prefix_tokens),
    ):
        own, wanted = value(student), value(teacher)
        if own != wanted:
            raise InputError(f"backbone and teacher: {name} is {own} and {wanted}; give both the same")


def _layers(model: nn.Module, inputs: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Tokens (B, N, C), prefix tokens first, after each layer; and the model's auxiliary losses."""
    features = model.extract_features(inputs)
    return [
        torch.cat([prefix, maps.flatten(2).transpose(1, 2)], dim=1) for maps, prefix in features.maps
    ], features.losses


def _standardised(tokens: Tensor) -> Tensor:
    """Tokens with mean 0 and variance 1 over channels: how large a token is says little behind a layer
    norm."""
    return F.layer_norm(tokens.float(), tokens.shape[-1:])


def _difference(student: Tensor, teacher: Tensor) -> Tensor:
    return F.mse_loss(_standardised(student), _standardised(teacher))
