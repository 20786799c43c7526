"""Sound that is carried over: what is damaged in it is left out."""

from fractions import Fraction

from clips import grey_frames
from depthkit.video.audio import AudioTracks, Sound
from depthkit.video.sources import load_av


def test_a_packet_whose_times_a_container_refuses_is_left_out(make_clip, tmp_path):
    av = load_av()
    output = av.open(str(tmp_path / "out.mp4"), "w")
    offered, written = [], []

    class Picky:
        """The container, which refuses two packets, as it does one whose times go back."""

        def mux(self, packet: object) -> None:
            offered.append(packet)
            if len(offered) == 3:
                raise av.error.ArgumentError(22, "Invalid argument")
            if len(offered) == 5:
                raise av.error.InvalidDataError(1094995529, "Invalid data")
            written.append(packet)

        def __getattr__(self, name: str) -> object:
            return getattr(output, name)

    with AudioTracks(Sound(make_clip("a.mp4", grey_frames([10, 20, 30]), sound="aac")), Picky()) as tracks:
        tracks.finish(Fraction(0))
    assert len(written) == len(offered) - 2 > 5
