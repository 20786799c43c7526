"""`depthkit serve`."""

import click

from depthkit.cli import options
from depthkit.cli.command import Command, VariadicOption
from depthkit.cli.finite_range import FiniteRange
from depthkit.cli.runtime_options import check_runtime_options, runtime_options
from depthkit.errors import InputError


@click.command(
    "serve",
    cls=Command,
    examples=(
        "depthkit serve",
        "depthkit serve --weights best.pth --port 9000",
        "depthkit serve --model depth-anything-v2-small --runtime openvino",
    ),
)
@options.zoo_model
@click.option(
    "--weights",
    cls=VariadicOption,
    metavar="FILE ...",
    help="Files that `train` or `export-weights` wrote; each can be chosen on the page.",
)
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0: other machines can use the page too.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, metavar="N", help="0: any that is free.")
@click.option("--allow-host", cls=VariadicOption, metavar="NAME ...", help="Further names that this machine has.")
@click.option("--max-mib", type=FiniteRange(0, min_open=True), default=64, metavar="N", help="Of a file.")
@click.option("--max-megapixels", type=FiniteRange(0, min_open=True), default=50, metavar="N", help="Of an image.")
@click.option(
    "--max-seconds", type=FiniteRange(0, min_open=True), default=10, metavar="S", help="Of a video that are read."
)
@click.option(
    "--queue", type=click.IntRange(1, 1000), default=8, metavar="N", help="Images and videos that may wait or run."
)
@options.device
@runtime_options
def main(
    model,
    weights,
    host,
    port,
    allow_host,
    max_mib,
    max_megapixels,
    max_seconds,
    queue,
    device,
    runtime,
    precision,
    calibration,
    max_error,
) -> None:
    """Show depth in the browser: images, videos, 3D.

    Drop an image or a video, choose the model, and see its depth beside it, metres under the cursor, the scene in 3D,
    and which tokens attended. The page offers the given weights, the published models that were downloaded before, and
    rooms-deit-tiny, which comes with depthkit. It needs no network, and only this machine can reach it.

    --runtime and --precision are for the models as they are; where the page selects tokens by its slider, and to show
    which tokens attended, the network runs in torch, and the page says so.

    What is dropped is held in memory, and so are the last results, for 10 minutes. The results of a video, with its
    frames and its sound, and files to download lie in a folder of the temporary folder while they are made; only you
    can read it, SIGKILL leaves it there, and TMPDIR chooses the place.

    Exit status: 2 when the port is taken or the model cannot be used; 130 or 143 when Ctrl-C or SIGTERM ended it.
    """
    try:
        import fastapi  # noqa: F401
        import fastapi_swagger  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"serve: needs the package {error.name}, which is not installed; run: pip install 'depthkit[app]'"
        ) from error
    device = check_runtime_options(runtime, precision, calibration, device)
    from depthkit.app.choices import list_choices
    from depthkit.app.limits import Limits
    from depthkit.app.running import open_socket, run_page
    from depthkit.app.service import Service
    from depthkit.runtimes.names import RuntimeRequest
    from depthkit.zoo.packaged import PACKAGED_MODEL

    asked = RuntimeRequest(runtime, precision, calibration, max_error)
    limits = Limits(
        upload_bytes=round(max_mib * 2**20),
        pixels=round(max_megapixels * 1e6),
        waiting=queue,
        video_seconds=max_seconds,
    )
    for file in weights:
        options.check_weights(file)
    if model not in (None, PACKAGED_MODEL):
        options.fetch_zoo_model(model, None)
    choices = list_choices(model, weights)
    with open_socket(host, port) as opened:
        run_page(Service(choices, device, limits, asked), opened, host, allow_host)
