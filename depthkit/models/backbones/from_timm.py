"""Turn any of timm's vision transformers into its ToSA form, which shares the parameters."""

from collections.abc import Sequence

from timm.layers import Attention
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from depthkit.errors import InputError
from depthkit.models.backbones.deit import DeiT, check_out_indices
from depthkit.models.backbones.dinov2 import DINOv2
from depthkit.models.backbones.tosa import ToSA, check_selection, rates_by_layer
from depthkit.models.layers.blocks import Keys, Selection, SelectiveBlock, Skipped, StandardBlock
from depthkit.models.layers.keep_rates import KeepRates
from depthkit.models.layers.selector import Importance, ScoreRows, SelectorLayers
from depthkit.utils.validation import Count, Probability, validate_arguments

# Subclasses of these may compute anything, so the type itself is checked.
_MODELS = (VisionTransformer, VisionTransformerDistilled, DeiT, DINOv2)


@validate_arguments
def tosa_from_timm(
    vit: nn.Module,
    keep_rate: KeepRates = 0.5,
    selection: Selection = "per_head",
    score_rows: ScoreRows = "pooled",
    score_stride: Count = 4,
    cls_token_weight: Probability | None = None,
    selector_layers: SelectorLayers = 1,
    importance: Importance = "attention",
    keys: Keys = "attended",
    coverage: bool = False,
    skipped: Skipped = "unchanged",
    selective_layers: Sequence[int] | None = None,
    out_indices: Sequence[int] | None = None,
) -> ToSA:
    """Turn a timm VisionTransformer into its ToSA form: some layers become token selective.

    It takes DeiT, DeiT-3, ViT, CLIP's and SigLIP's ViT, DINOv2 and similar models: with or without class,
    distillation and register tokens, LayerScale, QK norm, any patch size, embedding, MLP and pooling. `vit` stays as
    it is and shares its parameters, so training or moving one trains or moves both. Only the selectors are new.
    State-dict keys stay timm's. With ``keep_rate=1`` the result computes what `vit` does. It takes the input
    sizes that `vit` takes: create that with ``dynamic_img_size=True`` for any.

    Args:
        vit: a VisionTransformer, from ``timm.create_model`` or a constructor.
        keep_rate: as in `ToSA`, like the ten that follow.
        selection: ``per_head`` or ``shared``.
        score_rows: ``all``, ``grid`` or ``pooled``.
        score_stride: distance [patches] of the rows.
        cls_token_weight: of the class token's row, or None.
        selector_layers: 0, 1 or 2.
        importance: ``attention``, ``update``, ``predicted_update``, ``even`` or ``random``.
        keys: ``attended`` or ``all``.
        coverage: whether patches that skipped are first in line.
        skipped: ``unchanged``, ``neighbours`` or ``similar``.
        selective_layers: 0-based; None: every second layer.
        out_indices: 0-based layers whose output becomes a map, as in `DeiT`; without them the result gives
            what `vit` gives.

    Raises:
        InputError: an argument is wrong, or a module of `vit` has no token selective form here: blocks
            other than timm's `Block` (parallel, post-norm), attention other than its plain `Attention` (rotary,
            differential, gated), patch dropout.
    """
    selective = dict(
        selection=selection,
        score_rows=score_rows,
        score_stride=score_stride,
        cls_token_weight=cls_token_weight,
        selector_layers=selector_layers,
        importance=importance,
        keys=keys,
        coverage=coverage,
        skipped=skipped,
    )
    check_selection(**selective)
    return _ConvertedToSA(vit, keep_rate, selective_layers, selective, out_indices)


class _ConvertedToSA(ToSA):
    """A ToSA made of the modules of a given model; `selective` holds arguments of `SelectiveBlock`."""

    def __init__(
        self,
        vit: VisionTransformer,
        keep_rate: float | Sequence[float],
        selective_layers: Sequence[int] | None,
        selective: dict,
        out_indices: Sequence[int] | None,
    ) -> None:
        _check_model(vit)
        depth = len(vit.blocks)
        rates = rates_by_layer(keep_rate, selective_layers, depth)
        # Not ToSA's constructor: all that it would build is there, and timm's methods need attributes only.
        nn.Module.__init__(self)
        _share(vit, self)
        self.distilled = hasattr(vit, "dist_token")
        self.out_indices = check_out_indices(out_indices, depth)
        self.is_init = True
        self.blocks = nn.Sequential(
            *(
                _make_selective(block, rates[i], i - 1 in rates, selective) if i in rates else _make_standard(block)
                for i, block in enumerate(vit.blocks)
            )
        )


def _make_standard(block: Block) -> StandardBlock:
    # Built without memory ("meta") and emptied of what it was built with.
    standard = StandardBlock(block.norm1.weight.shape[0], block.attn.num_heads, device="meta")
    _share(block, standard)
    return standard


def _make_selective(block: Block, keep_rate: float, follows: bool, selective: dict) -> SelectiveBlock:
    weight = block.attn.qkv.weight
    shape = weight.shape[1], block.attn.num_heads
    made = SelectiveBlock(*shape, keep_rate=keep_rate, follows=follows, **selective, device="meta")
    made.selector.to(weight.device, weight.dtype)
    _share(block, made)
    return made


def _share(source: nn.Module, target: nn.Module) -> None:
    """Give `target` the parameters, buffers, submodules and settings of `source` itself, without hooks."""
    of_every_module = vars(nn.Module()).keys()
    vars(target).update({name: value for name, value in vars(source).items() if name not in of_every_module})
    for name in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
        getattr(target, name).update(getattr(source, name))
    target.training = source.training


def _check_model(vit: nn.Module) -> None:
    """Raise InputError with the first module of `vit` that has no token selective form."""
    if type(vit) not in _MODELS:
        raise InputError(
            f"{type(vit).__name__}: expected a VisionTransformer of timm's modules vision_transformer, deit "
            "or vision_transformer_hybrid; other models compute their layers in another way"
        )
    if not isinstance(vit.patch_drop, nn.Identity):
        raise InputError("patch dropout: token selection needs all patches; create the model without patch_drop_rate")
    for i, block in enumerate(vit.blocks):
        if type(block) is not Block:
            raise InputError(
                f"blocks.{i} is a {type(block).__name__}: expected timm's Block, one attention and one MLP, "
                "each after its norm"
            )
        if type(block.attn) is not Attention or getattr(block.attn, "gate", None) is not None:
            kind = type(block.attn).__name__ + (" with a gate" if type(block.attn) is Attention else "")
            raise InputError(
                f"blocks.{i}.attn is a {kind}: expected timm's Attention, without rotary positions, "
                "differences or gates"
            )
