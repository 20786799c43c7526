"""The depth of one frame of a video."""

from dataclasses import dataclass
from fractions import Fraction

from depthkit.apis.result import DepthResult


@dataclass(frozen=True)
class FrameDepth:
    """The depth of one frame.

    Attributes:
        index: number of the frame, from 0.
        time: [s], as the video has it.
        result: its image and its depth.
    """

    index: int
    time: Fraction
    result: DepthResult
