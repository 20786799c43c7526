"""The web service, asked as programs ask it: answers, files, refusals, and nothing left behind."""

import contextlib
import gc
import io
import json
import struct
import tempfile
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthkit import DepthPredictor
from depthkit.utils.io import read_depth


def png_header_of(width: int, height: int) -> bytes:
    """A PNG that declares a size, with hardly any pixels behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def answer(running_page, example) -> dict:
    reply = running_page.post("/api/depth?name=my%20room.jpg&keep_rate=0.5", example)
    assert reply.status == 200, reply.body
    return reply.json()


@pytest.fixture(scope="module")
def values(running_page, answer) -> np.ndarray:
    body = running_page.get(answer["values"]).body
    return np.frombuffer(body, "<f4").reshape(answer["height"], answer["width"])


def test_the_values_are_those_of_the_predictor(answer, values, example):
    predictor = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu", keep_rate=0.5)
    result = predictor(Image.open(io.BytesIO(example)))
    np.testing.assert_array_equal(values, result.values)
    assert (answer["colors"]["low"], answer["colors"]["high"]) == result.color_range()
    assert answer["smallest"] == result.values.min() and answer["unit"] == "m"
    assert answer["focal"]["pixels"] == pytest.approx(result.focal_length)


def test_the_answer_says_which_tokens_attended_and_what_that_took(answer):
    assert [layer["layer"] for layer in answer["tokens"]] == [2, 5, 8, 11]
    for layer in answer["tokens"]:
        grid = np.array([list(row) for row in layer["rows"]])
        assert (grid == "1").mean() == layer["fraction"] == 0.5 and layer["covers"] == [1, 1]
    cost = answer["cost"]
    assert 0 < cost["model"]["macs"] < cost["dense"]["macs"] and cost["model"]["seconds"] > 0


def test_a_dense_model_has_no_tokens_to_show(running_page, example):
    answer = running_page.post("/api/depth", example).json()
    assert answer["tokens"] == [] and answer["cost"]["dense"] is None and answer["keep_rate"] is None
    assert answer["name"] == "image"


def test_the_files_are_those_of_the_result(running_page, answer, values, example, tmp_path):
    assert list(answer["files"]) == [
        "colored", "depth", "disparity", "npy", "side_by_side", "normals", "points", "points_glb", "mesh"
    ]  # fmt: skip
    for kind in ("colored", "depth", "npy", "points", "mesh"):
        name, address = answer["files"][kind].values()
        reply = running_page.get(address)
        assert reply.status == 200 and reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
        (tmp_path / name).write_bytes(reply.body)
    predictor = DepthPredictor.from_pretrained("rooms-deit-tiny", device="cpu", keep_rate=0.5)
    result = predictor(Image.open(io.BytesIO(example)))
    result.save_mesh(tmp_path / "expected.glb", remove_flying_pixels=True)
    assert (tmp_path / "my_room_mesh.glb").read_bytes() == (tmp_path / "expected.glb").read_bytes()
    camera = result.intrinsics
    assert list(answer["camera"].values()) == [camera[0, 0], camera[1, 1], camera[0, 2], camera[1, 2]]
    np.testing.assert_array_equal(read_depth(tmp_path / "my_room_depth.npy"), values)
    np.testing.assert_allclose(read_depth(tmp_path / "my_room_depth.png"), values, atol=0.0005)
    assert (tmp_path / "my_room_points.ply").read_bytes().startswith(b"ply")
    assert (tmp_path / "my_room_mesh.glb").read_bytes().startswith(b"glTF")
    image = running_page.get(answer["image"])
    assert Image.open(io.BytesIO(image.body)).size == (answer["width"], answer["height"])


def test_a_focal_length_moves_the_metres(running_page, example, answer):
    pixels = answer["focal"]["pixels"]
    near, far = (running_page.post(f"/api/depth?focal={factor * pixels}", example).json() for factor in (1, 2))
    assert far["largest"] == pytest.approx(2 * near["largest"], rel=1e-5)
    assert far["focal"]["source"] == "given"


@pytest.mark.parametrize(
    ("query", "content", "status", "words"),
    [
        ("name=notes.txt", b"some words", 400, "notes.txt: is not an image"),
        ("", b"", 400, "empty"),
        ("name=huge.png", png_header_of(30_000, 10_000), 400, "huge.png: has 300 megapixels"),
        ("name=big.png", png_header_of(2000, 1001), 400, "big.png: has 2.002 megapixels"),
        ("name=cut.png", png_header_of(100, 100), 400, "cut.png: is damaged"),
        ("name=clip.mp4", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", 400, "send it to /api/video"),
        ("keep_rat=0.5", b"x", 422, "keep_rat: is not an option of /api/depth; expected some of model, keep_rate"),
        ("name=../../etc/passwd", b"x", 400, "is not the name of a file"),
        ("name=..%5Cx.png", b"x", 400, "is not the name of a file"),
        ("model=/etc/passwd", b"x", 400, "is not offered here"),
        ("keep_rate=2", b"x", 422, "keep_rate"),
        ("keep_rate=nan", b"x", 422, "keep_rate"),
        ("focal=-1", b"x", 422, "focal"),
        ("", bytes(2**20 + 1), 413, "more than 1 MiB"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(running_page, query, content, status, words):
    reply = running_page.post(f"/api/depth?{query}", content)
    assert reply.status == status
    assert set(reply.json()) == {"detail"} and words in reply.json()["detail"]
    assert running_page.get("/api/state").json()["waiting"] == 0


def test_an_impossible_focal_length_is_refused(running_page, example):
    reply = running_page.post("/api/depth?focal=5", example)
    assert reply.status == 400 and "impossible" in reply.json()["detail"]


def test_an_unknown_or_forgotten_result_is_gone(running_page, example):
    answer = running_page.post("/api/depth", example).json()
    assert running_page.get(f"/api/results/{answer['id']}", method="DELETE").status == 204
    for address in (answer["values"], answer["image"], answer["files"]["mesh"]["url"], "/api/results/x/values"):
        reply = running_page.get(address)
        assert reply.status == 404 and "not kept any more" in reply.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/static/../server.py", "/static/%2e%2e/server.py", "/examples/..%2f..%2ferrors.py"]
)
def test_there_is_nothing_beside_the_page(running_page, path):
    assert running_page.get(path).status == 404


def test_other_sites_and_names_are_refused(running_page, example):
    assert running_page.post("/api/depth", example, {"Origin": "http://evil.example"}).status == 403
    assert running_page.get("/", {"Host": "evil.example"}).status == 403


def test_a_full_line_says_when_to_come_back(running_page, example):
    line = running_page.service.line
    with line.place(), line.place():
        reply = running_page.post("/api/depth", example)
        assert reply.status == 503 and int(reply.headers["retry-after"]) > 0
        assert "too many images and videos" in reply.json()["detail"]
    assert running_page.post("/api/depth", example).status == 200


def test_silent_connections_take_no_place_and_are_told_to_go(running_page, example):
    head = b"POST /api/depth?name=slow.jpg HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(running_page.connect()) for _ in range(4)]
        for one in silent:
            one.sendall(head)
        assert running_page.post("/api/depth", example).status == 200
        for one in silent:
            said = one.recv(10_000)
            assert b" 408 " in said
    assert running_page.service.uploads._held == 0


def test_a_connection_without_a_request_is_closed(running_page, monkeypatch):
    monkeypatch.setattr("depthkit.app.running._SECONDS_TO_ASK", 0.5)
    with running_page.connect() as silent, running_page.connect() as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert silent.recv(100) == b"" and half.recv(100) == b""


def test_nothing_is_left_on_the_disk(running_page, example, answer, monkeypatch, tmp_path):
    """Neither of an image nor of the files that are made of its depth."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen, ended = set(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            with contextlib.suppress(FileNotFoundError):  # gone while it is listed
                seen.update(path.name for path in tmp_path.rglob("*"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    first = running_page.post("/api/depth?name=secret.jpg", example).json()
    while_predicting = set(seen)
    running_page.get(first["files"]["colored"]["url"])
    ended.set()
    watcher.join()
    assert not while_predicting and not list(tmp_path.iterdir())
    assert not any("secret" in name or name.endswith(".jpg") for name in seen)


def test_the_documents_need_no_network(running_page):
    spec = running_page.get("/openapi.json").json()
    answered = spec["paths"]["/api/depth"]["post"]["responses"]
    assert answered["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/DepthAnswer")
    assert {"400", "413", "503"} <= set(answered)
    page = running_page.get("/docs").body.decode()
    assert "http" not in page.replace("http-equiv", "")
    for address in ("/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css", "/static/docs.js"):
        assert running_page.get(address).status == 200


def test_what_it_offers(running_page):
    models = running_page.get("/api/models").json()
    assert models[0] == {"name": "rooms-deit-tiny", "gives": "metres, indoors", "licence": "Apache-2.0"}
    examples = running_page.get("/api/examples").json()
    assert len(examples) >= 3
    for one in examples:
        assert one["licence"] and Image.open(io.BytesIO(running_page.get(one["url"]).body)).size == (640, 480)


@pytest.mark.slow
def test_memory_stays_flat(running_page, example):
    def megabytes() -> float:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    def ask() -> None:
        answer = json.loads(running_page.post("/api/depth", example).body)
        running_page.get(answer["values"])

    for _ in range(10):
        ask()
    before = megabytes()
    for _ in range(40):
        ask()
    assert megabytes() - before < 20


def video_of(frames: int, rate: int) -> bytes:
    """Make a video, 64x48 px."""
    pytest.importorskip("depthkit.video", reason="without videos")
    av = pytest.importorskip("av", reason="needs depthkit[video]")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(frames):
            image = np.full((48, 64, 3), 200 * i // frames, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.fixture(scope="module")
def clip() -> bytes:
    return video_of(5, 5)


def test_a_video_that_nobody_wants_any_more_ends(running_page):
    content = video_of(300, 30)
    head = f"POST /api/video?name=long.mp4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
    kept = dict(running_page.service.kept._kept)
    with running_page.connect() as client:
        client.sendall(head.encode() + content)
        seen = []
        while not seen or not seen[-1][0]:  # until the first frame after those that decide the colours
            state = running_page.get("/api/state").json()
            seen.append((state["frames"], state["frames_in_all"]))
            assert state["waiting"] or len(seen) < 50
    while (state := running_page.get("/api/state").json())["waiting"]:
        if state["frames"]:
            seen.append((state["frames"], state["frames_in_all"]))
    assert seen[-1][0] < 300 and seen[-1][1] == 300
    assert running_page.service.kept._kept.keys() <= kept.keys()


def test_a_video_gives_videos(running_page, clip, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    reply = running_page.post("/api/video?name=my%20clip.mp4", clip)
    assert reply.status == 200, reply.body
    answer = reply.json()
    assert answer["frames"] == 5 and answer["low"] < answer["high"]
    side_by_side = answer["files"]["side_by_side"]
    assert side_by_side["name"] == "my_clip_side_by_side.mp4"
    file = running_page.get(side_by_side["url"])
    assert file.headers["content-type"] == "video/mp4" and file.body[4:8] == b"ftyp"
    assert not list(tmp_path.iterdir()) and running_page.get("/api/state").json()["frames"] is None
    assert running_page.get(f"/api/results/{answer['id']}/values").status == 404


def test_a_video_without_frames_is_refused(running_page, clip):
    for content in (clip[:400], b"words", clip[: clip.index(b"mdat")] + bytes(50)):
        reply = running_page.post("/api/video?name=bad.mp4", content)
        assert reply.status == 400 and reply.json()["detail"].startswith("bad.mp4: ")
        assert "/proc" not in reply.json()["detail"]


def test_problems_of_a_video_speak_of_it(running_page, clip):
    for query, content in (("focal=1&name=my.mp4", clip), ("name=my.mp4", b"")):
        reply = running_page.post(f"/api/video?{query}", content)
        assert reply.status == 400 and reply.json()["detail"].startswith("my.mp4: ")
        assert "image" not in reply.json()["detail"]
