"""`depthkit tokens`."""

from typing import TYPE_CHECKING

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.cli.selection_options import FRACTION

if TYPE_CHECKING:
    from mmengine.config import Config

    from depthkit.analysis.selection_maps import SelectionViewer

_BACKBONE = {"model": "tosa", "size": "tiny", "keep_rate": 0.5, "selection": "shared", "img_size": 224}


def _parse_layers(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[int] | str | None:
    if values == ("all",):
        return "all"
    try:
        return [int(value) for value in values] or None
    except ValueError:
        message = f"expected numbers of layers, or all; got '{' '.join(values)}'"
        raise click.BadParameter(message, ctx, param) from None


@click.command(
    "tokens",
    cls=Command,
    aliases=options.OLD_WEIGHTS,
    examples=(
        "depthkit tokens photo.jpg --weights best.pth",
        "depthkit tokens photo.jpg --weights deit_tiny_patch16_224.safetensors --selection per_head --layers 2 6",
    ),
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER|GLOB...")
@click.option(
    "--weights",
    required=True,
    metavar="FILE",
    help="Of a depth model that `train` wrote, or of a DeiT, ToSA or EViT alone: .pth or .safetensors.",
)
@options.out_folder
@options.json_file
@click.option(
    "--layers",
    cls=VariadicOption,
    callback=_parse_layers,
    metavar="N ...|all",
    help="Counted from 1.  [default: 2 6 10, as in figure 4 of the paper, or first, middle and last that select; of "
    "an EViT all that remove patches]",
)
@options.device
@options.config
@options.cfg_options_with_config
@click.option("--model", type=click.Choice(["tosa", "evit"]), help="Backbone alone: its kind.  [default: tosa]")
@click.option("--size", type=click.Choice(["tiny", "small", "base"]), help="Backbone alone: its size.  [default: tiny]")
@click.option("--keep-rate", type=FRACTION, help="Backbone alone: fraction of the patches to attend.  [default: 0.5]")
@click.option(
    "--selection",
    type=click.Choice(["shared", "per_head"]),
    help="Backbone alone: how a ToSA selects.  [default: shared]",
)
@click.option(
    "--img-size",
    type=click.IntRange(16, 4096),
    help="Backbone alone: shorter side of the image for the network [px].  [default: 224]",
)
@click.pass_context
def main(ctx, images, weights, out, json_path, layers, device, config, cfg_options, **of_backbone) -> int:
    """Show which patches a model attends to.

    Patches that skip the layer of a ToSA, or that an EViT has removed, are dark.

    Writes NAME_tokens.png for each image: the image as the network sees it and a copy for each layer, in rows for
    the heads where each has its own patches. Weights that carry a config, or come with --config, are those of a
    depth model; its settings are changed with --cfg-options beside --config. From other weights a backbone alone is
    built.

    Exit status: 0; 1 when some images could not be read; 2 when nothing could be done.
    """
    found, missing = options.find_images(images, out, "_tokens.png")  # before torch and mmseg are imported
    options.check_output(json_path, weights, config, *found)
    loaded = options.load_given_config(config, cfg_options, ctx)
    options.check_weights(weights)
    given = {name: value for name, value in of_backbone.items() if value is not None}
    viewer = _make_viewer(ctx, loaded, weights, device, given)
    print(f"device: {viewer.backbone.pos_embed.device}")
    from depthkit.analysis.selection_maps import save_token_maps

    saved = save_token_maps(viewer, found, out, layers)
    if json_path:
        content = [{"image": image, "file": file} for image, file in saved.items()]
        options.write_json(json_path, {"weights": weights, "images": content})
    if not saved:
        return 2
    return 1 if missing or len(saved) < len(found) else 0


def _make_viewer(
    ctx: click.Context, config: "Config | None", weights: str, device: str, given: dict
) -> "SelectionViewer":
    """Build the viewer of a depth model, or with the `given` settings that of a backbone alone."""
    from depthkit.analysis.selection_maps import viewer_of_config, viewer_of_weights
    from depthkit.models.weights import read_metadata

    if config or read_metadata(weights):
        if given:
            name = next(iter(given)).replace("_", "-")
            message = f"--{name}: is for a backbone alone; change a depth model with --config and --cfg-options."
            raise click.UsageError(message, ctx)
        return viewer_of_config(config or weights, weights if config else None, device)
    settings = _BACKBONE | given
    if settings["model"] == "evit":
        if "selection" in given:
            raise click.UsageError("--selection: is for a ToSA; an EViT removes tokens for all heads.", ctx)
        settings["selection"] = None
    return viewer_of_weights(weights, device=device, **settings)
