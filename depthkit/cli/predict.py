"""`depthkit predict`."""

import dataclasses
import sys

import click

from depthkit.cli import options, videos
from depthkit.cli.command import Command
from depthkit.cli.folder_options import check_folder_options, folder_options
from depthkit.cli.model_choice import check_needs_model, choose_model, model_or_packaged
from depthkit.cli.output_options import OLD_OUTPUTS, check_output_options, output_options
from depthkit.cli.runtime_options import check_runtime_options, runtime_options
from depthkit.cli.selection_options import check_has_keep_rate, selection_options
from depthkit.utils.image_files import named_folders


@click.command(
    "predict",
    cls=Command,
    aliases=options.OLD_WEIGHTS | OLD_OUTPUTS,
    examples=(
        "depthkit predict photo.jpg",
        "depthkit predict photo.jpg --model depth-anything-v2-small",
        "depthkit predict photo.jpg --model dpt-large --weights dpt_large-midas-2f21e586.pt",
        "depthkit predict photo.jpg --weights best.pth",
        "depthkit predict clip.mp4 --outputs +side_by_side --video-depth mkv",
        'depthkit predict photo.jpg holiday/ "more/*.png" --weights best.pth --out depth',
        "depthkit predict archive/ --recursive --skip-existing --outputs depth --max-megapixels 2",
        "depthkit predict holiday/ --range shared --contact-sheet holiday.png",
        "depthkit predict photo.jpg --outputs +points,mesh --remove-flying-pixels",
    ),
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|VIDEO|FOLDER|GLOB|camera:N...")
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
@output_options
@folder_options
@click.option("--classes", is_flag=True, help="Also print the five likeliest ImageNet classes.")
@videos.video_options
@options.json_file
@options.device
@runtime_options
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
    outputs,
    depth_range,
    colormap,
    contact_sheet,
    smoothing,
    video_depth,
    seconds,
    recursive,
    skip_existing,
    max_megapixels,
    json_path,
    device,
    runtime,
    precision,
    calibration,
    max_error,
    cfg_options,
    **settings_of_results,
) -> int:
    """Predict the depth of images and videos.

    Without --model or --weights the model is rooms-deit-tiny, which comes with depthkit and needs no network: coarse,
    for indoor images.

    For each image: NAME_colored.png, the depth map in colour with a colour bar in metres (red is near, blue is
    far); NAME_depth.png, 16-bit, millimetres; NAME_depth.npy, float32, metres. --outputs chooses others.

    Which focal length the metres are for depends on the model. Your own training and DA3METRIC: --focal, else EXIF,
    else an assumed one and a warning. Depth Anything V2 metric: --focal (PX or exif); without it the authors' metres,
    whatever EXIF says. A model without canonical_focal: none, --focal is for point clouds only.

    A relative model has no metres: NAME_colored.png has other colours (bright is near, dark is far);
    NAME_disparity.png is 16-bit, from the smallest to the largest disparity, which stand in its text chunks; and
    NAME_disparity.npy is float32. Images of any size and kind can be read, and their EXIF rotation is applied.

    For each video (docs/video.md): NAME_colored.mp4 with its sound, in colours that are fixed over the video.
    camera:0 is the first camera. It needs: pip install 'depthkit[video]'.

    Folders of any size (docs/many_images.md): threads read and save while the network runs. --outputs depth saves most
    of the time that saving takes.

    Exit status: 0; 1 when some images could not be read, which --json lists as "failed"; 2 when nothing could be done.
    """
    check_output_options(images, outputs, colormap, contact_sheet)
    check_folder_options(images, recursive, skip_existing, depth_range, contact_sheet)
    device = check_runtime_options(runtime, precision, calibration, device)
    settings = {"input_size": input_size, "preprocessing": preprocessing}
    check_needs_model(model, settings, ctx)
    model, weights = choose_model(model_or_packaged(model, weights, config), weights, config, ctx)
    check_has_keep_rate(keep_rate, selection, selective_layers, ctx)
    if focal is not None:
        from depthkit.apis.focal import check_focal

        focal = check_focal(focal)
    patterns, cameras = videos.split_cameras(images)
    found, missing = options.find_images(patterns, out, "_colored.png", recursive) if patterns else ([], {})
    found, clips = videos.split_videos(found)  # before torch and mmseg are imported
    videos.check_used(ctx, images, bool(found), bool(clips or cameras), outputs)
    if clips or cameras:
        settings_of_videos = videos.choose_settings(outputs, depth_range, focal, settings_of_results, ctx)
        clips, cameras, unusable = videos.check_videos(clips, cameras, bool(found), patterns, out)
        missing |= unusable
    for file in (json_path, contact_sheet):
        options.check_output(file, weights, config, *found, *clips)
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
    predictor.use_runtime(runtime, precision, calibration, max_error)
    from depthkit.apis.predict import predict_images

    print(f"device: {predictor.device}")
    if focal is not None and not predictor.can_follow_focal:
        reason = "it is relative" if predictor.kind == "relative" else "its config has no canonical_focal"
        print(
            f"warning: the output of this model does not follow the camera ({reason}); --focal is for point clouds "
            "only",
            file=sys.stderr,
        )
    saved, failed, skipped, saved_videos, failed_videos = [], [], [], [], {}
    if found:
        saved, failed, skipped = predict_images(
            predictor,
            found,
            out,
            focal=focal,
            outputs=outputs,
            depth_range=depth_range,
            colormap=colormap,
            contact_sheet=contact_sheet,
            mirrored=named_folders(patterns) if recursive else (),
            skip_existing=skip_existing,
            max_pixels=round(max_megapixels * 1e6),
            **settings_of_results,
        )
    if clips or cameras:
        settings_of_videos |= {"colormap": colormap, "smoothing": smoothing, "seconds": seconds}
        saved_videos, failed_videos = videos.predict_videos(
            predictor, clips, cameras, out, depth_format=video_depth, **settings_of_videos
        )
    if json_path:
        content = {
            "model": predictor.metadata.get("model"),
            "weights": weights,
            "device": predictor.device,
            "skipped": skipped,
            "runtime": predictor.runtime,
            "precision": precision,
            "images": [dataclasses.asdict(one) for one in saved],
            "videos": [dataclasses.asdict(one) for one in saved_videos],
            "failed": [{"image": name, "error": error} for name, error in (missing | failed_videos).items()]
            + [dataclasses.asdict(one) for one in failed],
        }
        options.write_json(json_path, content)
    if not saved and not saved_videos and not skipped:
        return 2
    return 1 if missing or failed or failed_videos else 0
