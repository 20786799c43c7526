"""The sound of a video, carried over to another file."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from depthkit.video.container import open_container
from depthkit.video.sources import load_av

# What players take from an MP4; other sound becomes AAC.
_COPIED = frozenset({"aac", "ac3", "alac", "eac3", "mp3", "opus"})
_LOWEST_RATE = 16_000  # [Hz], of MP3 in an MP4


@dataclass(frozen=True)
class Sound:
    """Sound to be carried over.

    Attributes:
        path: the file that has it.
        seconds: it ends so long [s] after the first frame; None: where it ends in the file.
    """

    path: Path
    seconds: float | None = None


class AudioTracks:
    """All sound of a file, written into a new container while its video is written; a context manager.

    AAC, MP3, AC-3, ALAC and Opus are copied as they are from 16 kHz on, other sound is encoded as AAC.

    Args:
        sound: what is written.
        output: container of PyAV, to which nothing was written yet.
    """

    def __init__(self, sound: Sound, output: object) -> None:
        self._av = load_av()
        self._input = open_container(sound.path)
        self._seconds = sound.seconds
        self._output = output
        self._targets: dict[int, tuple[object, bool]] = {}  # by the stream's index; and whether it is copied
        for source in self._input.streams.audio:
            if source.codec_context is None:  # an unknown codec cannot be decoded either
                continue
            context = source.codec_context
            copied = context.name.removesuffix("float") in _COPIED and context.sample_rate >= _LOWEST_RATE
            if copied:
                target = output.add_stream_from_template(source)
            else:
                layout = {1: "mono", 2: "stereo"}.get(context.layout.nb_channels, "5.1")
                target = output.add_stream("aac", rate=context.sample_rate, layout=layout)
            self._targets[source.index] = target, copied
        streams = [self._input.streams[index] for index in self._targets]
        self._packets = self._input.demux(*streams) if streams else iter(())
        self._next = next(self._packets, None)

    def __enter__(self) -> "AudioTracks":
        return self

    def __exit__(self, *error: object) -> None:
        self._input.close()

    def finish(self, first: Fraction) -> None:
        """Write the rest, after a video whose first frame is shown at a time [s]."""
        self.write_until(None if self._seconds is None else first + Fraction(self._seconds))
        if self._next is not None:  # the encoders still hold some
            for target, copied in self._targets.values():
                if not copied:
                    self._output.mux(list(target.encode(None)))

    def write_until(self, time: Fraction | None) -> None:
        """Write what is heard before a time [s], or all that is left; what is damaged is left out."""
        while self._next is not None:
            packet = self._next
            if time is not None and packet.dts is not None and packet.dts * packet.time_base >= time:
                return
            for translated in self._translate(packet):
                # Its times go back, or it is not what its codec makes. A disk that is full is told by other errors.
                with contextlib.suppress(self._av.error.ArgumentError, self._av.error.InvalidDataError):
                    self._output.mux(translated)
            try:
                self._next = next(self._packets, None)
            except self._av.FFmpegError:  # the end of a file that was cut off
                self._next = None

    def _translate(self, packet: object) -> Iterator[object]:
        """Yield the packets for the new file; an empty one, at the end, flushes the encoder."""
        target, copied = self._targets[packet.stream.index]
        if copied:
            if packet.dts is not None:
                packet.stream = target
                yield packet
            return
        try:
            frames = packet.decode()
        except self._av.FFmpegError:
            return
        for frame in frames:
            try:
                encoded = target.encode(frame)
            except self._av.FFmpegError:
                continue
            yield from encoded
        if packet.dts is None:
            yield from target.encode(None)
