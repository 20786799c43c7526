"""`depthkit predict-dataset`."""

import sys
import time

import click

from depthkit.cli import options
from depthkit.cli.command import Command
from depthkit.cli.folder_options import max_megapixels
from depthkit.cli.model_choice import check_needs_model, choose_model, model_or_packaged
from depthkit.cli.runtime_options import precision, runtime
from depthkit.cli.selection_options import check_has_keep_rate, selection_options
from depthkit.utils.paths import expand_home


@click.command(
    "predict-dataset",
    cls=Command,
    examples=(
        "depthkit predict-dataset images/ depth/",
        "depthkit predict-dataset 's3://bucket/shards/{000000..000999}.tar' s3://bucket/depth --ray-address auto",
        "depthkit predict-dataset images.parquet depth/ --format parquet --model depth-anything-v2-small",
        "depthkit predict-dataset images/ depth/ --resume",
    ),
)
@click.argument("source", metavar="INPUT")
@click.argument("output")
@click.option(
    "--ray-address",
    metavar="HOST:PORT|auto",
    help="The Ray cluster to work on; auto: the one that this machine belongs to.  [default: this machine alone]",
)
@click.option(
    "--format",
    type=click.Choice(["webdataset", "parquet"]),
    default="webdataset",
    help="Of the shards of results: tar files as WebDataset reads them, or Parquet.",
)
@click.option(
    "--outputs",
    metavar="NAME,NAME,...",
    help="What to write for each image, as of `depthkit predict`.  [default: depth, of a relative model disparity; "
    "16-bit PNG]",
)
@click.option(
    "--images-per-shard",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    help="Of single images; a tar file or a Parquet file becomes one shard of results.",
)
@click.option("--image-column", metavar="NAME", help="Of Parquet files.  [default: the only one with images]")
@click.option(
    "--resume", is_flag=True, help="Make the shards that an earlier run with the same options did not finish."
)
@options.zoo_model
@options.weights_of_zoo_model
@options.input_size
@options.preprocessing
@selection_options
@runtime
@precision
@click.option("--focal", metavar="PX|exif", help="Focal length of all images in pixels, or that of their EXIF.")
@click.option("--batch-size", type=click.IntRange(1, 1024), default=1, help="Images of one size that go together.")
@max_megapixels
@click.option(
    "--actors",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="The most predictors that may run at a time.  [default: as many as there is room for, also on machines that "
    "Ray's autoscaler adds]",
)
@click.option(
    "--cpus-per-actor", type=click.IntRange(1, 1024), default=1, help="Cores of each predictor.", show_default=True
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="cuda: each predictor has a GPU of its own; auto: if the cluster has any.",
)
@click.pass_context
def main(
    ctx,
    source,
    output,
    ray_address,
    format,
    outputs,
    images_per_shard,
    image_column,
    resume,
    model,
    weights,
    input_size,
    preprocessing,
    keep_rate,
    selection,
    selective_layers,
    runtime,
    precision,
    focal,
    batch_size,
    max_megapixels,
    actors,
    cpus_per_actor,
    device,
) -> int:
    """Predict the depth of a data set on many machines.

    Ray Data deals the work out, on this machine alone or on a cluster (docs/many_machines.md).

    INPUT is a folder with its subfolders, a file or a glob: images, tar files of images (WebDataset) or Parquet files.
    OUTPUT is a new folder. Both may be on this machine or addresses such as s3://bucket/folder and gs://bucket/folder.

    OUTPUT gets shard-000000.tar (or .parquet) and so on, with one result for each image: its 16-bit depth PNG and what
    is known about it, or the reason why it could not be predicted; and manifest.json, with the counts and the SHA-256
    of all shards. A run that was stopped continues with --resume. A lost process or machine loses nothing: others make
    its shards.

    It needs: pip install 'depthkit[ray]', on all machines.

    Exit status: 0, also where single images could not be predicted; 2 when something cannot be used, such as a damaged
    tar file, whose shard is then missing.
    """
    from depthkit.runtimes.names import check_has_calibration, check_names, check_runtime
    from depthkit.utils.storage import Place, check_apart, check_package

    check_package("ray")
    settings = {"input_size": input_size, "preprocessing": preprocessing}
    check_needs_model(model, settings, ctx)
    model, weights = choose_model(model_or_packaged(model, weights, None), weights, None, ctx)
    check_has_keep_rate(keep_rate, selection, selective_layers, ctx)
    if focal is not None:
        from depthkit.apis.focal import check_focal

        focal = check_focal(focal)
    check_names(runtime, precision)
    check_has_calibration(precision, False)
    if ray_address is None:
        check_runtime(runtime, precision, device, False)
    elif ray_address != "auto":
        from depthkit.distributed.cluster import check_answers

        check_answers(ray_address)
    if outputs is not None:
        from depthkit.apis.result_files import check_outputs

        outputs = tuple(name.strip() for name in outputs.split(","))
        check_outputs(outputs)
    from depthkit.distributed.plan import make_plan

    plan = make_plan(source, images_per_shard)
    place = Place(output)
    check_apart(plan.folder, place)
    shards = len(plan.units)
    what = _count(shards, f"{plan.form} file") if plan.images is None else _count(plan.images, "image")
    print(f"{source}: {what}, {_count(shards, 'shard')} of results")
    if model is None:
        options.check_weights(weights)
        file = expand_home(weights)
    else:
        file = options.fetch_zoo_model(model, weights, **settings)
    from depthkit.distributed.model_source import ModelSource
    from depthkit.distributed.output import MANIFEST, Output
    from depthkit.distributed.predict import Resources, describe, predict_dataset
    from depthkit.distributed.shard_work import Work

    given = {name: value for name, value in settings.items() if value is not None}
    chosen = ModelSource(file, model, given, keep_rate, selection, selective_layers, runtime, precision)
    max_pixels = round(max_megapixels * 1e6)
    work = Work(
        plan.folder, plan.form, image_column, place, format, outputs, focal, batch_size, cpus_per_actor, max_pixels
    )
    results = Output(place, describe(plan, work, chosen), format, resume)
    started = time.monotonic()
    done = predict_dataset(plan, work, chosen, results, Resources(cpus_per_actor, device, actors), ray_address)
    manifest, new = done.manifest, len(done.manifest["shards"]) - done.resumed
    print(
        f"{_count(manifest['images'], 'image')} in {_count(len(manifest['shards']), 'shard')} ({new} new, in "
        f"{time.monotonic() - started:.1f} s), {_count(manifest['errors'], 'image')} with errors; "
        f"{output.rstrip('/')}/{MANIFEST}"
    )
    failed = len(manifest["failed"])
    if failed:
        print(f"error: {_count(failed, 'shard')} could not be made; use --resume to try again", file=sys.stderr)
    return 2 if failed else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
