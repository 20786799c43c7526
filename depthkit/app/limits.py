"""What the page takes, and how much of it at a time."""

from dataclasses import dataclass

from depthkit.errors import InputError
from depthkit.utils.input_files import MAX_PIXELS

_LARGEST_UPLOAD = 1024  # [MiB]; an upload is held in memory


@dataclass(frozen=True)
class Limits:
    """Limits of one running page.

    Attributes:
        upload_bytes: of one file.
        pixels: of one image, as its header declares them: checked before anything is decoded. The results that are
            kept have together no more than this either.
        video_seconds: of a video that are read [s].
        waiting: requests that wait or run at the same time; the next one is told to come back. All files that arrive,
            wait or are worked on have together no more bytes than so many of the largest.
        seconds_to_begin: after which a file must arrive at a rate of `bytes_per_second` [s].
        bytes_per_second: the slowest rate, on average.
        results: how many results are kept in memory for downloads.
        seconds_kept: for how long [s].

    Raises:
        InputError: a number is out of range.
    """

    upload_bytes: int = 64 * 2**20
    pixels: int = 50_000_000
    video_seconds: float = 10.0
    waiting: int = 8
    seconds_to_begin: float = 10.0
    bytes_per_second: int = 32 * 2**10
    results: int = 4
    seconds_kept: float = 600.0

    def __post_init__(self) -> None:
        if not 1 <= self.pixels <= MAX_PIXELS:
            raise InputError(
                f"max-megapixels: {self.pixels / 1e6:g} is out of range; expected more than 0 and at most "
                f"{MAX_PIXELS / 1e6:g}, what depthkit reads"
            )
        if not 1 <= self.upload_bytes <= _LARGEST_UPLOAD * 2**20:
            raise InputError(
                f"max-mib: {self.upload_bytes / 2**20:g} is out of range; expected more than 0 and at most "
                f"{_LARGEST_UPLOAD}, because an upload is held in memory"
            )
        if self.waiting < 1:
            raise InputError(f"queue: {self.waiting} is out of range; expected 1 at least")
