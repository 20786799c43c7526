"""Layer-wise learning rates: earlier layers of the backbone learn slower."""

from collections import defaultdict

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS
from timm.models import group_parameters
from torch import nn

from depthkit.engine import mm_arguments
from depthkit.errors import InputError
from depthkit.registry import OPTIM_WRAPPER_CONSTRUCTORS
from depthkit.utils.validation import validate_arguments

_NO_WEIGHT_DECAY = ("pos_embed", "cls_token", "dist_token", "reg_token", "mask_token")
_BACKBONE = "backbone."


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor:
    """Make parameter groups by ``paramwise_cfg=dict(backbone_mult=0.1, layer_decay=0.75)``.

    With the optimizer's rate *lr*: decoder and token selectors learn at *lr*; the last layer of a timm vision
    transformer at *lr * backbone_mult*, and each layer before it at *layer_decay* times the rate of the one
    after it, down to the embeddings. Any other backbone learns at *lr * backbone_mult* throughout. Norms,
    biases, other vectors, position embeddings and tokens have no weight decay. Frozen parameters are left
    out.

    Args:
        optim_wrapper_cfg: type and settings of the optimizer wrapper, with its `optimizer`.
        paramwise_cfg: `backbone_mult`, positive, and `layer_decay`, in (0, 1]; both are 1 by default.

    Raises:
        InputError: another key in `paramwise_cfg`, a factor out of range, or an optimizer without `lr`.
    """

    @validate_arguments
    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        self.backbone_mult, self.layer_decay = mm_arguments.paramwise_cfg(**(paramwise_cfg or {}))
        self.wrapper_cfg = {"type": "OptimWrapper", **optim_wrapper_cfg}
        self.optimizer_cfg = dict(self.wrapper_cfg.pop("optimizer"))
        if not isinstance(self.optimizer_cfg.get("lr"), int | float):
            raise InputError("optim_wrapper: its optimizer has no lr that is a number; give one, such as lr=1e-3")

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer wrapper over the parameters of `model`."""
        model = model.module if is_model_wrapper(model) else model
        groups = self.parameter_groups(model)
        optimizer = OPTIMIZERS.build({**self.optimizer_cfg, "params": groups})
        return OPTIM_WRAPPERS.build(self.wrapper_cfg, default_args={"optimizer": optimizer})

    def parameter_groups(self, model: nn.Module) -> list[dict]:
        """Group the parameters that share a rate and weight decay, slowest first, each group with its `lr`."""
        scales = self._scales(model)
        groups: dict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                decays = parameter.ndim > 1 and not name.endswith(_NO_WEIGHT_DECAY)
                groups[scales[name], decays].append(parameter)
        return [
            {
                "params": parameters,
                "lr": self.optimizer_cfg["lr"] * scale,
                **({} if decays else {"weight_decay": 0.0}),
            }
            for (scale, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
        ]

    def _scales(self, model: nn.Module) -> dict[str, float]:
        """Return the factor on the learning rate of each parameter, by its name."""
        scales = {name: 1.0 for name, _ in model.named_parameters()}
        backbone = getattr(model, "backbone", None)
        if backbone is None:
            return scales
        names = [name for name, _ in backbone.named_parameters()]
        if hasattr(backbone, "group_matcher"):
            # timm numbers embeddings 0, blocks from 1, and the final norm after the last block.
            layers = group_parameters(backbone, backbone.group_matcher(coarse=False), reverse=True)
            last = max((layers[name] for name in names if name.startswith("blocks.")), default=0)
            steps = {name: max(last - layers.get(name, last), 0) for name in names}
        else:
            steps = dict.fromkeys(names, 0)
        for name in names:
            if "selector" not in name:
                scales[_BACKBONE + name] = self.backbone_mult * self.layer_decay ** steps[name]
        return scales
