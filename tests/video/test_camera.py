"""Cameras: what they give until Ctrl-C is a complete file."""

from itertools import islice

import cv2
import numpy as np
import pytest

from clips import predict_grey
from depthkit.errors import InputError
from depthkit.video.camera import CameraReader
from depthkit.video.predict import predict_video


@pytest.fixture
def camera(monkeypatch):
    """Let OpenCV find a camera, number 0, whose every frame is brighter than the one before."""

    class Camera:
        def __init__(self, index):
            self.index, self.level = index, 0

        def isOpened(self):
            return self.index == 0

        def set(self, *setting):
            pass

        def get(self, setting):
            return 15.0

        def read(self):
            self.level += 1
            image = np.zeros((48, 64, 3), np.uint8)
            image[..., 2] = min(self.level, 255)  # OpenCV's red
            return True, image

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Camera)


def test_frames_with_times_from_zero(camera):
    with CameraReader(0) as reader:
        frames = list(islice(reader.frames(), 4))
        assert (reader.name, reader.rate) == ("camera:0", 15)
    assert [frame.image[0, 0].tolist() for frame in frames] == [[level, 0, 0] for level in (1, 2, 3, 4)]
    times = [frame.time for frame in frames]
    assert 0 <= times[0] < 1 and times == sorted(times)
    with pytest.raises(InputError, match="camera:1: there is no such camera"):
        CameraReader(1)


def test_a_time_ends_the_recording(camera):
    with CameraReader(0, seconds=0.05) as reader:
        assert reader.declared == 1
        assert all(frame.time < 0.05 for frame in reader.frames())


def test_what_was_recorded_until_ctrl_c_is_kept(camera, tmp_path):
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'depthkit[video]'")
    calls = []

    def predict(image, focal):
        calls.append(image)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return predict_grey(image)

    done = predict_video(predict, "camera:0", tmp_path, smoothing=False)
    assert done.frames == 19 and done.sampled == 5 and done.video == "camera:0"
    (path,) = tmp_path.iterdir()
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 19
    calls[:] = [None] * 18  # Ctrl-C before the colours are known
    with pytest.raises(KeyboardInterrupt):
        predict_video(predict, "camera:0", tmp_path / "none")
    assert not list((tmp_path / "none").iterdir())
