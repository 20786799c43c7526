"""Memory that was freed goes back to the system."""

import sys

import pytest

from depthkit.utils.memory import trim_memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_blocks_are_given_back():
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    trim_memory()
    before = resident()
    blocks = [bytearray(b"x" * 60_000) for _ in range(2000)]  # 120 MB
    assert resident() - before > 100e6
    last = blocks[-1]
    del blocks
    trim_memory()
    assert resident() - before < 30e6 and last


def test_another_c_library_is_not_an_error(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    trim_memory()
