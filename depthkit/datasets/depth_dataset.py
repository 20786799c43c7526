"""The data set of RGB-D frames, whatever form they have on disk."""

from typing import Protocol

from depthkit.datasets.base_dataset import Indices, Pipeline, SampleDataset
from depthkit.datasets.sample import Frame, make_sample
from depthkit.errors import InputError


class FrameSource(Protocol):
    """Where frames come from: one reader for each form of data on disk.

    Readers must survive pickling and forking, because the workers of a data loader copy them.
    """

    @property
    def description(self) -> str:
        """Form, split and place of the data, for the log."""

    def entries(self) -> list[dict]:
        """List one small dict per frame; raise `InputError` here for files that are missing."""

    def read(self, entry: dict) -> Frame:
        """Read the frame of one of `entries`; raise `InputError` if it is damaged."""


class DepthDataset(SampleDataset):
    """RGB-D frames as samples with `gt_depth_map` [m] and, if known, `intrinsics` [px].

    Args:
        source: lists and reads the frames.
        pipeline: transforms, the last of them `PackDepthInputs`.
        test_mode: in evaluation, a frame without any measured pixel is a sample too (the metric counts it); in
            training it is an error.
        indices: take only the first N frames, or those at these places.

    Raises:
        InputError: see `SampleDataset`; when a frame is read, if it is damaged, if image and depth map differ in
            size, or if its depth map is empty in training.
    """

    METAINFO = {"dataset_type": "depth"}

    def __init__(self, source: FrameSource, pipeline: Pipeline, test_mode: bool, indices: Indices) -> None:
        self.source = source
        super().__init__(source.entries(), source.description, pipeline, test_mode, indices)

    def prepare_data(self, idx: int) -> dict:
        """Read frame `idx` and run the pipeline on it."""
        frame = check_frame(self.source.read(self.get_data_info(idx)))
        if not self.test_mode and not frame.depth.any():
            raise InputError(
                f"{frame.name}: its depth map is 0 (no measurement) everywhere; remove the pair from the split list"
            )
        return self.pipeline(make_sample(frame.image, frame.name, frame.depth, frame.intrinsics))


def check_frame(frame: Frame) -> Frame:
    """Return `frame`; raise `InputError` unless its image and its depth map have one size."""
    if frame.image.shape[:2] != frame.depth.shape:
        height, width = frame.image.shape[:2]
        raise InputError(
            f"{frame.name}: the image is {width}x{height} but its depth map is "
            f"{frame.depth.shape[1]}x{frame.depth.shape[0]}; expected both in one size, pixel on pixel"
        )
    return frame
