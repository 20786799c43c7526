"""A depth model in its token selective form, with the same parameters."""

import copy
from collections.abc import Sequence
from itertools import chain
from typing import Literal

from depthkit.errors import InputError
from depthkit.models.backbones import DeiT, EViT, ToMe, ToSA, tosa_from_timm
from depthkit.models.estimators.depth_estimator import DepthEstimator
from depthkit.models.layers.keep_rates import KeepRates
from depthkit.utils.validation import validate_arguments

Form = Literal["shared", "per_head", "even"]
_EVEN = {"selection": "shared", "importance": "even", "skipped": "similar"}


@validate_arguments
def make_selective(
    model: DepthEstimator,
    keep_rate: KeepRates,
    selection: Form | None = None,
    selective_layers: Sequence[int] | None = None,
    **options,
) -> DepthEstimator:
    """Make the ToSA form of a depth model; of one that is a ToSA, the same with another keep rate.

    `model` stays as it is and shares its parameters. With ``keep_rate=1`` the result computes exactly what a dense
    `model` does. Selectors, where there are any, start at the identity: there is nothing to train first.

    Args:
        model: with a plain vision transformer as backbone (`DeiT`, `DINOv2`) or a `ToSA`.
        keep_rate: fraction of the patches that attend in a token selective layer; one number, or one for each.
        selection: ``shared`` or ``per_head``, see `ToSA`; ``even``: patches that cover the image evenly, and the others
            follow their neighbours (`arguments_of_form`); None: ``shared``, or that of a ToSA.
        selective_layers: 0-based; None: `layers_between_taps`, for ``even`` all from the second to the last that the
            decoder takes, or those of a ToSA.
        **options: further arguments of `tosa_from_timm`, such as `importance` and `keys`; not of a ToSA.

    Raises:
        InputError: an argument is wrong, the backbone has no token selective form, or it is a ToSA that selects in
            another way than asked.
    """
    backbone = model.backbone
    if not isinstance(backbone, DeiT) or isinstance(backbone, (EViT, ToMe)):
        raise InputError(
            f"keep_rate: {type(backbone).__name__} has no token selective form; expected a model with a plain vision "
            "transformer, such as DeiT or DINOv2, or a ToSA"
        )
    made = share_parameters(model)
    if isinstance(backbone, ToSA):
        _check_selects_so(backbone, selection, selective_layers)
        if options:
            raise InputError(f"{', '.join(options)}: this model is a ToSA, of which only the keep_rate can be changed")
        made.backbone.keep_rate = keep_rate
        return made
    arguments = arguments_of_form(selection or "shared")
    for name in arguments.keys() & options.keys():
        raise InputError(f"{name}={options[name]!r}: selection='{selection}' says it already; leave it out")
    if selective_layers is None and selection == "even":
        selective_layers = range(1, max(backbone.out_indices) + 1)
    elif selective_layers is None:
        selective_layers = layers_between_taps(backbone.out_indices)
    made.backbone = tosa_from_timm(
        made.backbone,
        keep_rate=keep_rate,
        selective_layers=tuple(selective_layers),
        out_indices=backbone.out_indices,
        **arguments,
        **options,
    )
    return made


def arguments_of_form(form: Form) -> dict[str, str]:
    """Return the arguments of `ToSA` that a form stands for.

    ``even`` is ``selection='shared', importance='even', skipped='similar'``.
    """
    return dict(_EVEN) if form == "even" else {"selection": form}


def form_of(backbone: ToSA) -> Form:
    """Return the form of a backbone with like layers; `keys` and `coverage` do not count.

    Also ``even`` where skipped patches follow all neighbours alike, as in weights of before 2026-11-22.
    """
    block = backbone.selective_blocks[0]
    return "even" if block.importance == "even" and block.skipped != "unchanged" else block.selection


def share_parameters(model: DepthEstimator) -> DepthEstimator:
    """Copy a model, but for its parameters and buffers, which both have then."""
    return copy.deepcopy(model, {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())})


def check_has_keep_rate(
    keep_rate: float | Sequence[float] | None, selection: str | None, selective_layers: Sequence[int] | None
) -> None:
    """Check that nothing says how a model selects tokens that is to stay dense.

    Raises:
        InputError: there is no keep rate, but one of the others.
    """
    for name, value in (("selection", selection), ("selective_layers", selective_layers)):
        if keep_rate is None and value is not None:
            raise InputError(f"{name}={value}: says how patches are selected; give keep_rate too, such as 0.5")


def describe_selection(backbone: ToSA) -> dict[str, str]:
    """Return `keep_rate`, `selection` and `selective_layers` of a backbone as text for metadata."""
    rates = [str(rate) for rate in backbone.keep_rate]
    return {
        "keep_rate": rates[0] if len(set(rates)) == 1 else ",".join(rates),
        "selection": form_of(backbone),
        "selective_layers": ",".join(map(str, backbone.selective_layers)),
    }


def layers_between_taps(taps: Sequence[int]) -> tuple[int, ...]:
    """Choose token selective layers so that in every map of the decoder all tokens were updated.

    From the last tapped layer backwards, each layer that is neither tapped, nor the first, nor before one that was
    chosen: as many as there can be, with the last of them right before each tap. Taps 2, 5, 8, 11 give layers 1, 4, 7,
    10; taps 4, 11, 17, 23 give 1, 3, 6, 8, 10, 12, 14, 16, 18, 20, 22; taps 5, 11, 17, 23 give 2, 4, 6, and so on. The
    rule is ours.

    Args:
        taps: 0-based layers whose maps the decoder takes.

    Raises:
        InputError: there is no such layer.
    """
    chosen: list[int] = []
    for layer in range(max(taps), 0, -1):
        if layer not in taps and layer + 1 not in chosen:
            chosen.insert(0, layer)
    if not chosen:
        raise InputError(
            f"keep_rate: the decoder takes the maps of layers {', '.join(map(str, taps))}, and none that could be "
            "token selective lies between; name some as selective_layers"
        )
    return tuple(chosen)


def _check_selects_so(backbone: ToSA, selection: str | None, selective_layers: Sequence[int] | None) -> None:
    """Raise InputError if a ToSA selects in another way than asked; None asks nothing."""
    own = form_of(backbone) if backbone.selective_blocks else None
    layers = None if selective_layers is None else tuple(selective_layers)
    for name, asked, found in (
        ("selection", selection, own),
        ("selective_layers", layers, backbone.selective_layers),
    ):
        if asked not in (None, found):
            raise InputError(
                f"{name}={asked}: this model is a ToSA with {name}={found}; only its keep_rate can be changed"
            )
