"""`depthkit predict`."""

import dataclasses
import sys

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.cli.model_choice import check_needs_model, choose_model
from depthkit.cli.selection_options import check_has_keep_rate, selection_options


@click.command(
    "predict",
    cls=Command,
    aliases=options.OLD_WEIGHTS,
    examples=(
        "depthkit predict photo.jpg --model rooms-deit-tiny",
        "depthkit predict photo.jpg --model depth-anything-v2-small",
        "depthkit predict photo.jpg --model dpt-large --weights dpt_large-midas-2f21e586.pt",
        "depthkit predict photo.jpg --weights best.pth",
        'depthkit predict photo.jpg holiday/ "more/*.png" --weights best.pth --out depth',
    ),
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|FOLDER|GLOB...")
@options.zoo_model
@options.weights_of_zoo_model
@options.config
@options.out_folder
@options.input_size
@options.preprocessing
@selection_options
@click.option(
    "--focal",
    metavar="PX|exif",
    help="Focal length of the images in pixels at their own size; metres follow it if the model can. exif: that of "
    "EXIF, and an image without one is an error.  [default: see above]",
)
@click.option("--side-by-side", is_flag=True, help="Also write NAME_side_by_side.png: image | depth.")
@click.option("--point-cloud", is_flag=True, help="Also write NAME_points.ply; in metres if the model is metric.")
@click.option(
    "--float-format",
    type=click.Choice(["npy", "tiff", "exr"]),
    default="npy",
    help="Of the file of float32 values. exr needs: pip install OpenEXR.",
)
@click.option("--classes", is_flag=True, help="Also print the five likeliest ImageNet classes.")
@click.option(
    "--range",
    "depth_range",
    nargs=2,
    type=float,
    metavar="MIN MAX",
    help="Ends of the colour bar in metres, the same for all images.  [default: those of each image's depth]",
)
@options.json_file
@options.device
@options.cfg_options_with_config
@click.pass_context
def main(
    ctx,
    images,
    model,
    weights,
    config,
    out,
    input_size,
    preprocessing,
    keep_rate,
    selection,
    selective_layers,
    focal,
    depth_range,
    json_path,
    device,
    cfg_options,
    **kinds,
) -> int:
    """Predict the depth of images.

    The model rooms-deit-tiny, coarse and for indoor images, comes with depthkit and needs no network.

    For each image: NAME_colored.png, the depth map in colour with a colour bar in metres (red is near, blue is
    far); NAME_depth.png, 16-bit, millimetres; NAME_depth.npy, float32, metres.

    Which focal length the metres are for depends on the model. Your own training and DA3METRIC: --focal, else EXIF,
    else an assumed one and a warning. Depth Anything V2 metric: --focal (PX or exif); without it the authors' metres,
    whatever EXIF says. A model without canonical_focal: none, --focal is for point clouds only.

    A relative model has no metres: NAME_colored.png has other colours (bright is near, dark is far);
    NAME_disparity.png is 16-bit, from the smallest to the largest disparity, which stand in its text chunks; and
    NAME_disparity.npy is float32. Images of any size and kind can be read, and their EXIF rotation is applied.

    Exit status: 0; 1 when some images could not be read, which --json lists as "failed"; 2 when nothing could be done.
    """
    settings = {"input_size": input_size, "preprocessing": preprocessing}
    check_needs_model(model, settings, ctx)
    model, weights = choose_model(model, weights, config, ctx)
    check_has_keep_rate(keep_rate, selection, selective_layers, ctx)
    if focal is not None:
        from depthkit.apis.focal import check_focal

        focal = check_focal(focal)
    found, missing = options.find_images(images, out, "_colored.png")  # before torch and mmseg are imported
    options.check_output(json_path, weights, config, *found)
    if model is not None:
        options.check_zoo_range(model, depth_range)
        options.fetch_zoo_model(model, weights, **settings)
    loaded = options.load_given_config(config, cfg_options, ctx)
    if model is None:
        predictor = options.load_predictor(loaded, weights, device)
    else:
        predictor = options.load_zoo_predictor(model, weights, device, **settings)
    if keep_rate is not None:
        predictor.select_tokens(keep_rate, selection, selective_layers)
    from depthkit.apis.predict import predict_images

    print(f"device: {predictor.device}")
    if focal is not None and not predictor.can_follow_focal:
        reason = "it is relative" if predictor.kind == "relative" else "its config has no canonical_focal"
        print(
            f"warning: the output of this model does not follow the camera ({reason}); --focal is for point clouds "
            "only",
            file=sys.stderr,
        )
    saved, failed = predict_images(predictor, found, out, focal=focal, depth_range=depth_range, **kinds)
    if json_path:
        content = {
            "model": predictor.metadata.get("model"),
            "weights": weights,
            "device": predictor.device,
            "images": [dataclasses.asdict(one) for one in saved],
            "failed": [{"image": name, "error": error} for name, error in missing.items()]
            + [dataclasses.asdict(one) for one in failed],
        }
        options.write_json(json_path, content)
    if not saved:
        return 2
    return 1 if missing or failed else 0
