"""`depthkit static-page`."""

from pathlib import Path

import click

from depthkit.cli import options
from depthkit.cli.command import Command, PathName


@click.command(
    "static-page",
    cls=Command,
    examples=(
        "depthkit static-page --out site",
        "depthkit static-page --out site --weights best.pth --onnxruntime-web node_modules/onnxruntime-web",
    ),
)
@click.option("--out", required=True, type=PathName(), metavar="DIR", help="A new or empty folder for the page.")
@click.option(
    "--weights",
    metavar="FILE",
    help="A file that `train` or `export-weights` wrote.  [default: rooms-deit-tiny, which comes with depthkit]",
)
@click.option(
    "--onnxruntime-web",
    "runtime",
    type=PathName(),
    metavar="DIR",
    help="The unpacked npm package, or its folder dist.  [default: npm fetches it]",
)
def main(out, weights, runtime) -> None:
    """Write the page as files: depth in the browser.

    A folder of plain files for any web server: the page of `depthkit serve` with the model as ONNX and onnxruntime-web,
    which runs it on the visitor's machine. Images are not sent anywhere. Image beside depth, metres under the cursor,
    the scene in 3D, and PNG and NPY to download; selecting tokens, videos and the other files need `depthkit serve`.

    Try it: python -m http.server --directory site
    """
    if weights is not None:
        options.check_weights(weights)
    from depthkit.app.onnxruntime_web import find_onnxruntime
    from depthkit.app.static_page import build_static_page, check_new_folder
    from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights

    check_new_folder(out)
    with find_onnxruntime(runtime) as found:
        predictor = options.load_predictor(None, str(weights or packaged_weights()), "cpu")
        build_static_page(predictor, Path(weights).name if weights else PACKAGED_MODEL, found, out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{out}: {size / 1e6:.1f} MB; to look at it: python -m http.server --directory {out}")
