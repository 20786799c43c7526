"""The page in a real browser without a screen: what a visitor does and sees."""

import numpy as np
import pytest

SHOWN = "#shown:not([hidden])"
# How many different colours a canvas has: read from its pixels, not from what the page says.
COLORS_OF = """(canvas) => {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [64, 48];
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0, 64, 48);
  const pixels = new Uint32Array(context.getImageData(0, 0, 64, 48).data.buffer);
  return new Set(pixels).size;
}"""


@pytest.fixture(scope="module")
def visit(browser, running_page):
    """The page as a visitor has it open, with all addresses that it asked for and all errors of its scripts."""
    context = browser.new_context(viewport={"width": 900, "height": 1300}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.asked, page.faults = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda said: page.faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(running_page.url)
    page.wait_for_selector("#examples button")
    yield page
    context.close()


def result_of(page) -> str:
    page.wait_for_selector(SHOWN)
    page.wait_for_selector("#working", state="hidden")
    return page.get_attribute("#shown", "data-result")


@pytest.fixture(scope="module")
def with_room(visit, room_file):
    visit.set_input_files("#file", room_file)
    result_of(visit)
    return visit


def values_of(page, running_page) -> np.ndarray:
    return np.frombuffer(running_page.get(f"/api/results/{result_of(page)}/values").body, "<f4").reshape(480, 640)


def test_an_upload_shows_image_and_depth(with_room):
    assert with_room.is_hidden("#problem") and with_room.is_hidden("#empty")
    for canvas in ("#image", "#depth"):
        assert with_room.eval_on_selector(canvas, COLORS_OF) > 50
    assert "m" in with_room.inner_text("#ticks")
    assert "my room" in with_room.inner_text("#cost") or "my_room" in with_room.inner_text("#cost")


def test_the_metres_under_the_cursor_are_those_of_the_array(with_room, running_page):
    values = values_of(with_room, running_page)
    box = with_room.locator("#stage").bounding_box()
    for across, down in ((0.1, 0.2), (0.9, 0.8), (0.31, 0.77)):
        with_room.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        column, row, value = with_room.eval_on_selector(
            "#probe", "(probe) => ['column', 'row', 'value'].map((name) => Number(probe.dataset[name]))"
        )
        assert value == values[int(row), int(column)]  # a float32, exactly
        assert (column, row) == pytest.approx((across * 640, down * 480), abs=2)
        assert f"{value:.3f} m" in with_room.inner_text("#probe")


def test_arrow_keys_move_the_cross_and_the_divider(with_room, running_page):
    values = values_of(with_room, running_page)
    with_room.focus("#stage")
    before = int(with_room.get_attribute("#probe", "data-column"))
    with_room.keyboard.press("Shift+ArrowRight")
    probe = with_room.eval_on_selector("#probe", "(probe) => ({ ...probe.dataset })")
    assert int(probe["column"]) == before + 1
    assert float(probe["value"]) == values[int(probe["row"]), before + 1]
    with_room.focus("#split")
    with_room.keyboard.press("Home")
    assert with_room.eval_on_selector("#depth", "(depth) => depth.style.clipPath") == "inset(0px 0px 0px 0%)"


def test_the_scene_is_drawn_in_3d_and_turns(with_room):
    with_room.click("#tab-scene")
    with_room.wait_for_selector("#scene-canvas[data-drawn]")
    with_room.wait_for_function(f"({COLORS_OF})(document.getElementById('scene-canvas')) > 50")
    picture = "(canvas) => canvas.toDataURL()"
    before = with_room.eval_on_selector("#scene-canvas", picture)
    with_room.focus("#scene-canvas")
    with_room.keyboard.press("ArrowLeft")
    with_room.wait_for_function(
        "(before) => document.getElementById('scene-canvas').toDataURL() !== before", arg=before
    )
    with_room.check("[value=points]")
    with_room.wait_for_function(f"({COLORS_OF})(document.getElementById('scene-canvas')) > 50")
    with_room.click("#tab-compare")


def test_selecting_tokens_shows_them_by_layer_and_what_is_saved(with_room):
    assert with_room.is_hidden("#layers")
    before = result_of(with_room)
    with_room.check("#select-tokens")
    with_room.wait_for_function("(id) => document.getElementById('shown').dataset.result !== id", arg=before)
    result_of(with_room)
    assert "with all tokens" in with_room.inner_text("#cost")
    with_room.check("[name=layer][value='5']", force=True)
    assert "54 of 108 patches" in with_room.inner_text("#layer-note")
    dark = with_room.eval_on_selector(
        "#tokens",
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, i) => i % 4 === 3 && value > 0).length / (data.length / 4);
        }""",
    )
    assert dark == pytest.approx(0.5, abs=0.01)


def test_a_file_is_downloaded(with_room, running_page, tmp_path):
    with with_room.expect_download() as download:
        with_room.click("#files a[href$='/npy']")
    assert download.value.suggested_filename == "my_room_depth.npy"
    download.value.save_as(tmp_path / "depth.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "depth.npy"), values_of(with_room, running_page))


def test_an_error_is_a_sentence_and_the_next_image_clears_it(with_room):
    with_room.set_input_files("#file", files=[{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}])
    with_room.wait_for_selector("#problem:not([hidden])")
    assert "notes.txt: is not an image" in with_room.inner_text("#problem")
    with_room.set_input_files(
        "#file", files=[{"name": "large.png", "mimeType": "image/png", "buffer": bytes(2**20 + 1)}]
    )
    with_room.wait_for_function("document.getElementById('problem').textContent.includes('MiB')")
    before, held = result_of(with_room), []
    with_room.route("**/api/depth?*", lambda route: held.append(route))
    with with_room.expect_request("**/api/depth?*"):
        with_room.click("#examples button")
    assert with_room.is_visible("#working") and with_room.is_hidden("#problem")  # while it is worked on already
    held[0].continue_()
    with_room.wait_for_function("(id) => document.getElementById('shown').dataset.result !== id", arg=before)
    assert with_room.is_hidden("#problem")


def test_it_fits_a_phone(with_room):
    with_room.set_viewport_size({"width": 390, "height": 700})
    for tab in ("#tab-scene", "#tab-compare"):
        with_room.click(tab)
        assert with_room.evaluate("document.documentElement.scrollWidth") <= 390
    stage = with_room.locator("#stage").bounding_box()
    assert stage["x"] >= 0 and stage["x"] + stage["width"] <= 390


def test_nothing_but_the_page_was_asked_for_and_no_script_failed(with_room, running_page):
    foreign = [url for url in with_room.asked if not url.startswith((running_page.url, "blob:", "data:"))]
    assert not foreign and not with_room.faults


def test_the_documents_of_the_service_show_without_a_network(browser, running_page):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{running_page.url}/docs")
    page.get_by_text("Predict the depth of an image").first.wait_for(timeout=60_000)
    assert not [url for url in asked if not url.startswith((running_page.url, "blob:", "data:"))]
    page.close()
