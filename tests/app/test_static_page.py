"""The page that needs no server: its scripts against depthkit's own code, and the whole of it in a real browser."""

import base64
import contextlib
import functools
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from depthkit.apis.focal import exif_focal_length
from depthkit.app.examples import FOLDER
from depthkit.app.onnxruntime_web import FILES, VERSION, find_onnxruntime
from depthkit.app.static_page import check_new_folder, describe_network, write_page
from depthkit.datasets.transforms import ResizeRGBD
from depthkit.errors import InputError
from depthkit.visualization.color_range import readable_range
from helpers import run_python

SHOWN = "#shown:not([hidden])"
FROM_BASE64 = "(text) => Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0))"
TO_BASE64 = """(values) => {
  let text = "";
  for (const one of new Uint8Array(Float32Array.from(values).buffer)) text += String.fromCharCode(one);
  return btoa(text);
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words) -> None: ...


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """What `python -m http.server` does."""
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def predictor():
    from depthkit.apis.predictor import DepthPredictor

    return DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu")


@pytest.fixture(scope="module")
def scripts(browser, predictor, tmp_path_factory):
    """A page whose scripts can be called: `scripts(file, "function body", argument)`; it needs no onnxruntime-web."""
    folder = tmp_path_factory.mktemp("scripts")
    for name in FILES.values():
        (folder / name).write_text("// not needed here")
    write_page(folder / "site", "rooms", predictor.metadata, describe_network(predictor, "rooms"), folder)
    with served(folder / "site") as url:
        page = browser.new_page()
        page.goto(f"{url}/model.json")

        def call(file: str, body: str, argument: object) -> object:
            code = f"const of = await import('/static/{file}'), bytesOf = {FROM_BASE64}, textOf = {TO_BASE64}; {body}"
            return page.evaluate(f"async (given) => {{ {code} }}", argument)

        yield call
        page.close()


# Shrinking by whole and broken factors, growing, and one side that stays.
SIZES = [((480, 640), "fit"), ((480, 853), "fit"), ((1000, 301), "fit"), ((288, 384), "fit"), ((60, 90), "fit")]
SIZES += [((100, 400), "stretch"), ((144, 500), "stretch"), ((333, 220), "cover"), ((1, 1), "fit"), ((9, 700), "fit")]


@pytest.mark.parametrize(("shape", "mode"), SIZES)
def test_images_are_resized_as_for_the_predictor(scripts, shape, mode):
    with Image.open(FOLDER / "books.jpg") as image:
        rgb = np.asarray(image.convert("RGB").resize(shape[::-1]))
    expected = ResizeRGBD((144, 192), mode).transform({"img": rgb})["img"]
    rgba = np.dstack([rgb, np.full(shape, 255, np.uint8)])
    given = {"pixels": base64.b64encode(rgba.tobytes()).decode(), "width": shape[1], "height": shape[0], "mode": mode}
    body = """
      const target = of.targetSize(given, { width: 192, height: 144, mode: given.mode });
      const values = of.resizeImage(bytesOf(given.pixels), given, target);
      return { ...target, values: textOf(values) };
    """
    found = scripts("network_input.js", body, given)
    assert (found["height"], found["width"]) == expected.shape[:2]
    values = np.frombuffer(base64.b64decode(found["values"]), "<f4").reshape(expected.shape)
    difference = np.abs(values - expected.astype(float))
    assert difference.max() <= 1  # a step of grey: OpenCV rounds some halves up, and its fractions are short


def test_borders_are_repeated_and_depth_is_enlarged_without_them(scripts):
    body = """
      const { data, dims } = of.layOut(Float32Array.from({ length: 18 }, (_, i) => i), { width: 3, height: 2 }, 4);
      const depth = of.enlarge(data.slice(0, 16), 4, { width: 3, height: 2 }, { width: 6, height: 4 }, 2);
      return { data: Array.from(data), dims, depth: Array.from(depth) };
    """
    found = scripts("network_input.js", body, None)
    image = np.arange(18.0).reshape(2, 3, 3).transpose(2, 0, 1)
    np.testing.assert_array_equal(
        np.reshape(found["data"], found["dims"])[0], np.pad(image, ((0, 0), (0, 2), (0, 1)), "edge")
    )
    import torch.nn.functional as F
    from torch import from_numpy

    expected = F.interpolate(from_numpy(2 * image[None, :1]), (4, 6), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(found["depth"], expected.numpy().ravel(), rtol=1e-6)


EXIFS = [
    {},
    {0xA405: 26},
    {0xA405: 26, 0xA002: 640, 0xA003: 480},
    {0xA405: 26, 0xA002: 640, 0xA003: 640},
    {0x920A: IFDRational(9, 2), 0xA20E: IFDRational(3000), 0xA210: 3},
    {0x920A: 4.5, 0xA20E: 7000.0},
    {0xA405: 9999},
]


@pytest.mark.parametrize("tags", EXIFS)
def test_the_focal_length_of_exif_is_read_alike(scripts, tmp_path, tags):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    Image.new("RGB", (640, 480)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        expected = exif_focal_length(image)
    given = base64.b64encode((tmp_path / "a.jpg").read_bytes()).decode()
    body = "return of.exifFocal(bytesOf(given).buffer, { width: 640, height: 480 });"
    assert scripts("focal.js", body, given) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\x00\x10Exif\0\0II*\0\xff\xff", b"words" * 9])
def test_a_damaged_file_has_no_focal_length(scripts, content):
    body = "return of.exifFocal(bytesOf(given).buffer, { width: 640, height: 480 });"
    assert scripts("focal.js", body, base64.b64encode(content).decode()) is None


@pytest.mark.parametrize("limits", [None, [0.0, 10.0]])
@pytest.mark.parametrize(("near", "far"), [(0.4, 9.7), (2.0, 2.01), (30.0, 70.0), (0.0, 0.0)])
def test_the_range_of_colours_is_the_same(scripts, near, far, limits):
    depth = np.random.default_rng(0).uniform(near, far, (30, 40)).astype(np.float32)
    body = """
      return of.readableRange(Float32Array.from(given.values), { width: 40, height: 30 }, given.limits);
    """
    found = scripts("color_range.js", body, {"values": depth.ravel().tolist(), "limits": limits})
    assert found == pytest.approx(readable_range(depth, limits))


@pytest.fixture(scope="module")
def site(tmp_path_factory, browser) -> Iterator[str]:
    """The folder of the command, on a server; nothing is downloaded."""
    given = os.environ.get("DEPTHKIT_ONNXRUNTIME_WEB")
    with contextlib.ExitStack() as stack:
        try:
            runtime = stack.enter_context(find_onnxruntime(Path(given) if given else None, offline=True))
        except InputError as error:
            pytest.skip(f"needs onnxruntime-web {VERSION}: npm's cache, or DEPTHKIT_ONNXRUNTIME_WEB ({error})")
        folder = tmp_path_factory.mktemp("page") / "site"
        done = run_python("-m", "depthkit.cli.main", "static-page", "--out", folder, "--onnxruntime-web", runtime)
        assert done.returncode == 0, done.stderr
        yield stack.enter_context(served(folder))


@pytest.fixture(scope="module")
def visit(browser, site):
    context = browser.new_context(viewport={"width": 900, "height": 1300}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append((request.method, request.url)))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    page.goto(site)
    page.set_input_files("#file", FOLDER / "books.jpg")
    page.wait_for_selector(SHOWN)
    page.wait_for_selector("#working", state="hidden")
    yield page
    context.close()


def wait_for_another(page, act) -> None:
    before = page.get_attribute("#shown", "data-result")
    act()
    page.wait_for_function("(id) => document.getElementById('shown').dataset.result !== id", arg=before)


def download_values(page, folder: Path) -> np.ndarray:
    with page.expect_download() as download:
        page.click("#files a[download$='.npy']")
    assert download.value.suggested_filename == "books_depth.npy"
    download.value.save_as(folder / "depth.npy")
    return np.load(folder / "depth.npy")


@pytest.mark.slow
def test_the_browser_gives_the_metres_of_the_predictor(visit, predictor, tmp_path):
    found, expected = download_values(visit, tmp_path), predictor(FOLDER / "books.jpg").values
    assert found.shape == expected.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.005)  # [m]; 0.0013 was measured
    focal = 2 * predictor(FOLDER / "books.jpg").focal_length
    wait_for_another(visit, lambda: (visit.fill("#focal", str(focal)), visit.press("#focal", "Enter")))
    np.testing.assert_allclose(download_values(visit, tmp_path), 2 * found, rtol=1e-5)
    wait_for_another(visit, lambda: (visit.fill("#focal", ""), visit.press("#focal", "Enter")))


@pytest.mark.slow
def test_the_metres_under_the_cursor_are_those_of_the_array(visit, tmp_path):
    values, box = download_values(visit, tmp_path), visit.locator("#stage").bounding_box()
    for across, down in ((0.1, 0.2), (0.9, 0.8)):
        visit.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        probe = visit.eval_on_selector("#probe", "(probe) => ({ ...probe.dataset })")
        assert float(probe["value"]) == values[int(probe["row"]), int(probe["column"])]
        assert f"{float(probe['value']):.3f} m" in visit.inner_text("#probe")


@pytest.mark.slow
def test_the_scene_is_drawn_in_3d(visit):
    visit.click("#tab-scene")
    visit.wait_for_selector("#scene-canvas[data-drawn]")
    visit.wait_for_function("() => document.getElementById('scene-canvas').toDataURL().length > 50_000")  # not blank
    visit.click("#tab-compare")


@pytest.mark.slow
def test_what_needs_a_server_is_not_offered(visit):
    for absent in ("#selection", "#to-service", "#layers"):
        assert visit.is_hidden(absent)
    assert "MACs" not in visit.inner_text("#cost") and "video" not in visit.inner_text("#drop")
    assert visit.locator("#files a").count() == 2
    visit.set_viewport_size({"width": 390, "height": 700})
    visit.wait_for_function("() => document.documentElement.scrollWidth <= 390")  # it is laid out again a moment later


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", b"words", "notes.txt: is not an image that this browser can read"),
        ("none.png", b"", "none.png: is empty"),
        ("clip.mp4", b"words", "clip.mp4: is a video"),
    ],
)
def test_an_error_is_a_sentence(visit, name, content, words):
    visit.set_input_files("#file", files=[{"name": name, "mimeType": "", "buffer": content}])
    visit.wait_for_function("(words) => document.getElementById('problem').textContent.includes(words)", arg=words)
    wait_for_another(visit, lambda: visit.locator("#examples button").first.click())
    assert visit.is_hidden("#problem")


@pytest.mark.slow
def test_nothing_was_sent_and_nothing_but_the_page_was_asked_for(visit, site):
    own = (f"{site}/", "blob:", "data:")
    assert not [url for _, url in visit.asked if not url.startswith(own)]
    assert {method for method, _ in visit.asked} == {"GET"} and not visit.faults


def test_what_is_missing_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="give the unpacked npm package"), find_onnxruntime(tmp_path):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="npm is not installed here"), find_onnxruntime(None):
        pass


def test_a_folder_with_files_is_not_written_to(tmp_path):
    check_new_folder(tmp_path / "new" / "site")
    (tmp_path / "site").mkdir()
    check_new_folder(tmp_path / "site")
    (tmp_path / "site" / "mine.txt").touch()
    with pytest.raises(InputError, match="is there already"):
        check_new_folder(tmp_path / "site")


def test_a_model_that_the_page_cannot_serve_is_refused(predictor, monkeypatch):
    assert json.dumps(describe_network(predictor, "rooms"))
    monkeypatch.setitem(predictor.model.test_cfg, "flip", True)
    with pytest.raises(InputError, match="wants more; use `depthkit serve`"):
        describe_network(predictor, "rooms")
