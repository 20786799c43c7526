"""Fine-tuning a token selecting backbone with the dense model as its teacher, without labels."""

import torch
import torch.nn.functional as F
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT
from depthkit.models.base_model import DepthkitModel
from depthkit.models.distillers.teacher import FrozenTeacher
from depthkit.models.losses.class_divergence import class_divergence
from depthkit.registry import MODELS
from depthkit.utils.validation import NotNegative, Positive, validate_arguments


@MODELS.register_module()
class TokenDistiller(DepthkitModel):
    """A student that selects tokens learns the logits and tokens of a dense teacher.

    No labels are needed. A ToSA's selectors learn from their own loss (top-k passes them no other gradient).
    A checkpoint holds the student only; ``ToSA(pretrained=...)`` reads it because the weights are under
    ``backbone.``.

    Args:
        backbone: config of the student, a ToSA or another backbone of ours, with as many classes as the teacher.
        teacher: config of the dense model, a DeiT with `pretrained`.
        logits_weight: of the KL divergence of the student's class probabilities from the teacher's.
        tokens_weight: of the mean squared difference of normalised tokens after the last layer.
        layers_weight: of the same after each layer before it, mean over layers.
        temperature: divides both logits; their loss is multiplied by its square (Hinton et al., 2015).
        data_preprocessor: config of the module that stacks and normalises the images.
        init_cfg: as mmengine's.

    Raises:
        InputError: an argument is wrong, all weights are 0, or student and teacher differ in depth, width or classes.
    """

    @validate_arguments
    def __init__(
        self,
        backbone: dict,
        teacher: dict,
        logits_weight: NotNegative = 1.0,
        tokens_weight: NotNegative = 1.0,
        layers_weight: NotNegative = 0.0,
        temperature: Positive = 1.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.weights = {"logits": logits_weight, "tokens": tokens_weight, "layers": layers_weight}
        if not any(self.weights.values()):
            raise InputError("logits_weight, tokens_weight, layers_weight: all are 0; expected one above 0")
        self.temperature = temperature
        self.backbone = _build_with_every_layer(backbone)
        dense = _build_with_every_layer(teacher)
        _check_alike(self.backbone, dense)
        self.teacher = FrozenTeacher(dense, _layers_and_logits)
        if logits_weight and not self.backbone.num_classes:
            raise InputError(
                "logits_weight: student and teacher have no classes (num_classes=0); give num_classes=1000 "
                "to both, or logits_weight=0"
            )

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> dict[str, Tensor]:
        """Return ``loss_logits``, ``loss_tokens``, ``loss_layers``, and a ToSA's own ``loss_selector``.

        Losses whose weight is 0 are left out.
        """
        student, own, losses = _layers_and_logits(self.backbone, inputs)
        teacher, wanted, _ = self.teacher(inputs)
        if self.weights["logits"]:
            divergence = class_divergence(own, wanted, self.temperature).mean()
            losses = {"loss_logits": self.weights["logits"] * divergence, **losses}
        if self.weights["tokens"]:
            losses["loss_tokens"] = self.weights["tokens"] * _difference(student[-1], teacher[-1])
        if self.weights["layers"]:
            each = [_difference(s, t) for s, t in zip(student[:-1], teacher[:-1], strict=True)]
            losses["loss_layers"] = self.weights["layers"] * torch.stack(each).mean()
        return losses

    @torch.no_grad()
    def predict(self, inputs: Tensor, data_samples: list[SegDataSample]) -> list[SegDataSample]:
        """Give each image's sample `measures`: how near the student comes to its teacher.

        ``cosine``: of their normalised final tokens, mean over tokens; with classes also ``agreement``: 1
        where both rank the same class first, else 0, and ``kl``: divergence of the class probabilities.
        """
        student, own, _ = _layers_and_logits(self.backbone, inputs)
        teacher, wanted, _ = self.teacher(inputs)
        cosine = F.cosine_similarity(_standardised(student[-1]), _standardised(teacher[-1]), dim=-1)
        measures = {"cosine": cosine.mean(1)}
        if self.backbone.num_classes:
            measures["agreement"] = (own.argmax(dim=-1) == wanted.argmax(dim=-1)).float()
            measures["kl"] = class_divergence(own, wanted, self.temperature)
        for i, sample in enumerate(data_samples):
            sample.measures = {name: values[i].cpu() for name, values in measures.items()}
        return data_samples

    def _forward(self, inputs: Tensor) -> Tensor:
        """Return the student's logits (B, classes), or pooled features (B, C), for images (B, 3, H, W)."""
        return _layers_and_logits(self.backbone, inputs)[1]


def _build_with_every_layer(config: dict) -> DeiT:
    """Build a backbone of ours that is tapped after each of its layers."""
    if "out_indices" in config:
        raise InputError("out_indices: TokenDistiller looks at every layer; leave it out of the config")
    model = MODELS.build(config)
    if not isinstance(model, DeiT):
        raise InputError(f"{type(model).__name__}: expected a backbone of depthkit's, such as ToSA or DeiT")
    model.out_indices = tuple(range(len(model.blocks)))
    model.norm_maps = False  # the last map is normalised on its way to the classifier
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


def _layers_and_logits(model: DeiT, inputs: Tensor) -> tuple[list[Tensor], Tensor, dict[str, Tensor]]:
    """Return tokens (B, N, C) after each layer, logits (B, classes) or pooled features, and losses."""
    features = model.extract_features(inputs)
    layers = []
    for one in features.maps:
        patches, prefix = (one, []) if isinstance(one, Tensor) else (one[0], [one[1]])
        layers.append(torch.cat([*prefix, patches.flatten(2).transpose(1, 2)], dim=1))
    return layers, model.forward_head(model.norm(layers[-1])), features.losses


def _standardised(tokens: Tensor) -> Tensor:
    """Return tokens with mean 0 and variance 1 over channels, as a layer norm hands them on."""
    return F.layer_norm(tokens.float(), tokens.shape[-1:])


def _difference(student: Tensor, teacher: Tensor) -> Tensor:
    return F.mse_loss(_standardised(student), _standardised(teacher))
