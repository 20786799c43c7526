"""`depthkit predict clip.mp4`: as for images, and what cannot be used is one sentence."""

import json

import cv2
import numpy as np
import pytest

from clips import grey_frames

pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")
CPU = ("--device", "cpu")
LEVELS = (10, 60, 110, 160)


@pytest.fixture
def predict(cli, demo_config, demo_checkpoint, tmp_path):
    def call(*args: object):
        weights = ("--config", demo_config, "--weights", demo_checkpoint)
        return cli("predict", *args, *weights, "--out", tmp_path / "out", *CPU)

    return call


def test_a_video_beside_an_image_and_one_that_is_not_a_video(predict, make_clip, tmp_path):
    clip = make_clip("a.mp4", grey_frames(LEVELS), sound="aac")
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), grey_frames((100,))[0])
    done = predict(
        clip, text, image, "--side-by-side", "--video-depth", "mkv", "--json", tmp_path / "a.json", "--range", 0, 10
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("error: ") == 1 and "text.mp4: cannot be read as a video" in done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"a_colored.mp4", "a_side_by_side.mp4", "a_depth.mkv", "image_colored.png"}
    assert "a_colored.mp4" in done.stdout and "(4 frames, 0.3 s; colours 0 to 10 m, given)" in done.stdout
    content = json.loads((tmp_path / "a.json").read_text())
    (video,) = content["videos"]
    assert (video["frames"], video["color_range"], video["smoothed"]) == (4, [0, 10], True)
    assert [one["image"] for one in content["failed"]] == [str(text)]


def test_what_cannot_be_used_is_one_sentence_and_leaves_nothing(predict, make_clip, tmp_path):
    clip = make_clip("a.mp4", grey_frames(LEVELS))
    (tmp_path / "text.mp4").write_text("not a video")
    for arguments, words in {
        (tmp_path / "text.mp4",): "cannot be read as a video",
        (tmp_path / "none.mp4",): "no such file or folder",
        ("camera:97",): "there is no such camera",
        (clip, "--focal", "exif"): "a video has no EXIF",
        (clip, "--outputs", "+points"): "--outputs points: is for images; videos have colored and side_by_side",
        (clip, "--classes"): "--classes: is for images; leave it out for videos.",
        (clip, "--seconds", "0"): "is not in the range",
    }.items():
        done = predict(*arguments)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ") and words in done.stderr
        assert not list(tmp_path.glob("out/*"))


def test_options_that_nothing_has_a_use_for(predict, make_clip, tmp_path):
    clip, image, sheet = make_clip("a.mp4", grey_frames(LEVELS)), tmp_path / "image.png", tmp_path / "sheet.png"
    cv2.imwrite(str(image), grey_frames((100,))[0])
    for arguments, words in {
        (clip, "--contact-sheet", sheet): "--contact-sheet: is for images; leave it out for videos.",
        (image, "--seconds", 3): "--seconds: is for videos; leave it out for images.",
        (image, "--video-depth", "mkv"): "--video-depth: is for videos; leave it out for images.",
        (image, "--no-smoothing"): "--no-smoothing: is for videos; leave it out for images.",
        (image, "--remove-flying-pixels"): "--remove-flying-pixels: is for points and meshes; add --outputs +points",
        (clip, "--remove-flying-pixels"): "--remove-flying-pixels: is for points and meshes; add --outputs +points",
    }.items():
        done = predict(*arguments)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ") and words in done.stderr
        assert not list(tmp_path.glob("out/*")) and not sheet.exists()


def test_results_that_the_same_glob_would_find_again(cli, make_clip, tmp_path):
    make_clip("a.mp4", grey_frames(LEVELS))
    done = cli("predict", tmp_path / "*.mp4", "--model", "rooms-deit-tiny", "--out", tmp_path, *CPU)
    assert done.returncode == 2 and "the next time; choose another --out" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_keep_rate_and_a_focal_length_work_as_for_images(cli, make_clip, tmp_path):
    clip = make_clip("a.mkv", grey_frames(LEVELS))
    options = ("--model", "rooms-deit-tiny", "--out", tmp_path / "out", *CPU)
    done = cli("predict", clip, *options, "--keep-rate", 0.5, "--focal", 60, "--video-depth", "png", "--no-smoothing")
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    once = np.mean([cv2.imread(str(path), -1) for path in sorted((tmp_path / "out" / "a_depth").iterdir())])
    wrong = cli("predict", clip, *options, "--focal", 1, "--outputs", "side_by_side")
    assert wrong.returncode == 2 and "a.mkv: a focal length of 1 px is impossible for 64x48 px" in wrong.stderr
    done = cli("predict", clip, *options, "--keep-rate", 0.5, "--focal", 120, "--video-depth", "png", "--no-smoothing")
    twice = np.mean([cv2.imread(str(path), -1) for path in sorted((tmp_path / "out" / "a_depth").iterdir())])
    assert twice == pytest.approx(2 * once, rel=1e-3)


class FakeCamera:
    """What OpenCV gives of a camera; the test presses Ctrl-C after some frames."""

    def __init__(self, index: int) -> None:
        self.index, self.frames = index, 0

    def isOpened(self) -> bool:
        return True

    def set(self, *setting) -> None:
        pass

    def get(self, setting) -> float:
        return 0.0

    def read(self):
        self.frames += 1
        return self.frames <= 12, np.full((48, 64, 3), 10 * self.frames, np.uint8)

    def release(self) -> None:
        pass


def test_a_camera_is_recorded_until_it_is_gone(predict, monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    done = predict("camera:0", "--side-by-side")
    assert done.returncode == 0, done.stderr
    assert "camera:0 -> " in done.stdout and "(12 frames, " in done.stdout and ", of 5 frames)" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"camera0_colored.mp4", "camera0_side_by_side.mp4"}


def test_a_camera_and_a_video_of_its_name(predict, make_clip, monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    done = predict(make_clip("camera0.mp4", grey_frames(LEVELS)), "camera:0", "camera:0")
    assert done.returncode == 0 and done.stdout.count("camera:0 -> ") == 1, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"camera0_colored.mp4", "camera0_mp4_colored.mp4"}


def test_without_pyav(cli, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    (tmp_path / "a.mp4").write_text("a video")
    done = cli("predict", tmp_path / "a.mp4", "--model", "rooms-deit-tiny", "--out", tmp_path / "out")
    assert done.returncode == 2 and done.stderr == "error: videos need PyAV: pip install 'depthkit[video]'\n"
