"""Depth of videos and cameras. Needs PyAV: `pip install 'depthkit[video]'`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthkit.video.frames import predict_frames
    from depthkit.video.predict import predict_video

__all__ = ["predict_frames", "predict_video"]


def __getattr__(name: str) -> object:
    """Import a name of the public API at its first use (PEP 562): what `sources` says costs nothing."""
    if name == "predict_frames":
        from depthkit.video.frames import predict_frames

        return predict_frames
    if name == "predict_video":
        from depthkit.video.predict import predict_video

        return predict_video
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
