"""The mmengine dataset around a source of RGB-D frames."""

from collections.abc import Sequence
from typing import Protocol

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from depthkit.datasets.sample import Frame, make_sample
from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS


class FrameSource(Protocol):
    """Where frames come from: one reader for each form of data on disk. Must survive pickling and forking."""

    @property
    def description(self) -> str:
        """What this is, for the log: form and split."""

    def entries(self) -> list[dict]:
        """One small dict for each frame; missing files are found here."""

    def read(self, entry: dict) -> Frame:
        """Read one frame."""


class DepthDataset(BaseDataset):
    """RGB-D pairs as samples: each is read whole, checked, and given to the pipeline.

    Reading for training (`test_mode=False`) a frame without a single measured pixel raises `InputError`; in
    tests it goes through, and the metric counts it. `indices`: the first so many frames, or those of a list.
    """

    METAINFO = {"dataset_type": "depth"}

    def __init__(
        self,
        source: FrameSource,
        pipeline: Sequence,
        test_mode: bool,
        indices: int | Sequence[int] | None,
    ) -> None:
        self.source = source
        # Built from our registry here: mmengine would look the names up in whichever scope is default.
        transforms = [TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline]
        super().__init__(pipeline=transforms, test_mode=test_mode, indices=indices)
        print_log(f"{type(self).__name__}: {len(self)} pairs, {source.description}", logger="current")

    def load_data_list(self) -> list[dict]:
        """Return the source's entries (mmengine serialises them, so that workers share the memory)."""
        return self.source.entries()

    def prepare_data(self, idx: int) -> dict:
        """Read frame `idx` and return what the pipeline makes of it. Raises `InputError` for a damaged
        frame.
        """
        frame = self.source.read(self.get_data_info(idx))
        if frame.image.shape[:2] != frame.depth.shape:
            height, width = frame.image.shape[:2]
            raise InputError(
                f"{frame.name}: the picture is {width}x{height} but its depth map is "
                f"{frame.depth.shape[1]}x{frame.depth.shape[0]}; both must be of one size and registered"
            )
        if not self.test_mode and not frame.depth.any():
            raise InputError(
                f"{frame.name}: its depth map is 0 (no measurement) everywhere; take the pair out of the split list"
            )
        return self.pipeline(make_sample(frame.image, frame.name, frame.depth, frame.intrinsics))
