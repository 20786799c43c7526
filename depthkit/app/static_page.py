"""The page as plain files for any web server; the model runs in the browser of the visitor."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import depthkit
from depthkit.apis.focal import FocalRule
from depthkit.apis.predictor import DepthPredictor
from depthkit.app import examples
from depthkit.app.description import palette_of
from depthkit.app.onnxruntime_web import FILES
from depthkit.datasets.transforms import PackDepthInputs, ResizeRGBD
from depthkit.errors import InputError
from depthkit.export.formats import export_model
from depthkit.utils.output_folder import make_output_folder

STATIC = Path(__file__).parent / "static"
IN_BROWSER = Path(__file__).parent / "in_browser"
# As the service's own (guard.py), but that WebAssembly may be compiled; a page cannot forbid its frames by itself.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_HEAD = '<meta charset="utf-8" />'
_OF_THE_SERVICE = ("docs.html", "docs.js", "index.html")


def describe_network(predictor: DepthPredictor, name: str) -> dict:
    """Return what the page must know to do what `predictor` does: its input, and the rule for metres.

    Args:
        predictor: of a model that gives metres.
        name: of the model, for messages.

    Raises:
        InputError: the page cannot prepare images as this model needs them, or it gives no metres.
    """
    model, transforms = predictor.model, predictor.transforms
    if predictor.kind != "metric" or predictor.has_classes:
        raise InputError(
            f"{name}: the static page shows depth in metres; give a model that gives them and nothing else"
        )
    plain = [type(one) for one in transforms] == [ResizeRGBD, PackDepthInputs] and predictor.focal_rule == FocalRule()
    test_cfg = {"mode": "whole", "flip": False, "resize": "bilinear"}
    if not plain or any(model.test_cfg[key] != value for key, value in test_cfg.items()):
        raise InputError(
            f"{name}: the static page resizes an image once and predicts it as a whole, and this model's "
            "test_pipeline, test_cfg or focal_rule wants more; use `depthkit serve`"
        )
    height, width = transforms[0].size
    return {
        "input": {"height": height, "width": width, "mode": transforms[0].mode, "divisor": model.size_divisor},
        "canonical_focal": model.canonical_focal,
        "max_depth": predictor.max_depth,
    }


def check_new_folder(path: Path) -> None:
    """Check that a folder can be made where nothing is, or only an empty one; the ones above it are made.

    Raises:
        InputError: there is something, or nothing can be written there.
    """
    make_output_folder(path.absolute().parent)
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: is there already; choose a new or empty folder by --out")


def build_static_page(predictor: DepthPredictor, name: str, runtime: Path, out: Path) -> None:
    """Write the page's folder, complete or not at all.

    Args:
        predictor: on the CPU.
        name: of the model, as the page shows it.
        runtime: folder of onnxruntime-web's files (`find_onnxruntime`).
        out: see `check_new_folder`.

    Raises:
        InputError: the model cannot be exported or shown (`describe_network`), or the folder cannot be written.
    """
    network = describe_network(predictor, name)
    check_new_folder(out)
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=out.absolute().parent) as temporary:
            made = Path(temporary) / "page"
            write_page(made, name, predictor.metadata, network, runtime)
            export_model(predictor.model, made / "model.onnx", "onnx", predictor.metadata)
            os.replace(made, out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another folder by --out") from error


def write_page(out: Path, name: str, metadata: dict[str, str], network: dict, runtime: Path) -> None:
    """Write all of the page but its ``model.onnx``.

    Args:
        out: a new folder.
        name: of the model, as the page shows it.
        metadata: of the model.
        network: from `describe_network`.
        runtime: as above.
    """
    static = out / "static"
    shutil.copytree(STATIC, static, ignore=shutil.ignore_patterns(*_OF_THE_SERVICE, "__pycache__"))
    shutil.copytree(IN_BROWSER, static, dirs_exist_ok=True)  # its backend.js takes the other one's place
    shutil.copytree(examples.FOLDER, out / "examples")
    for page_name, package_name in FILES.items():
        shutil.copyfile(runtime / package_name, static / "vendor" / page_name)
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}" />'
    (out / "index.html").write_text(index.replace(_HEAD, f"{_HEAD}\n    {policy}", 1), encoding="utf-8")
    palette, invalid = palette_of("metric")
    licences = [metadata[key] for key in ("licence", "licence_note") if key in metadata]
    settings = {
        **network,
        "version": depthkit.__version__,
        "model": {"name": name, "gives": "metres", "licence": "; ".join(licences) or None},
        "trained_on": metadata.get("trained_on"),
        "colors": {"palette": palette, "invalid": invalid},
        "examples": [one.model_dump() for one in examples.list_examples()],
    }
    (out / "model.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
