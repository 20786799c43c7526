"""Damage to valid files: what disks, networks and people do to them."""

import os
import random
import socket
from pathlib import Path


def flip_bits(data: bytes, rng: random.Random, count: int, start: int = 0) -> bytes:
    """Flip `count` bits from byte `start` on."""
    flipped = bytearray(data)
    for _ in range(count):
        flipped[rng.randrange(start, len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Leave out the end: 1 byte to all but 1."""
    return data[: rng.randrange(1, len(data))]


def hole(data: bytes, rng: random.Random) -> bytes:
    """Overwrite a stretch with zeros, as a file system does after a crash."""
    start = rng.randrange(len(data))
    length = rng.randint(1, max(1, len(data) // 4))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def shuffle_blocks(data: bytes, rng: random.Random) -> bytes:
    """Exchange two stretches of the same length."""
    length = rng.randint(1, max(1, len(data) // 3))
    first, second = sorted(rng.randrange(len(data) - length + 1) for _ in range(2))
    if second < first + length:
        return data[::-1]
    middle = data[first + length : second]
    return (
        data[:first] + data[second : second + length] + middle + data[first : first + length] + data[second + length :]
    )


def damage(data: bytes, rng: random.Random) -> bytes:
    """Damage `data` in one of these ways, chosen at random; the result differs from `data`."""
    ways = [lambda: flip_bits(data, rng, rng.choice([1, 3, 20, 200])), lambda: cut(data, rng), lambda: hole(data, rng)]
    ways += [lambda: shuffle_blocks(data, rng), lambda: rng.randbytes(len(data))]
    while (damaged := rng.choice(ways)()) == data:
        pass
    return damaged


def damage_file(path: Path, rng: random.Random) -> None:
    path.write_bytes(damage(path.read_bytes(), rng))


def replace_by_something_else(path: Path, rng: random.Random) -> str:
    """Put what is not a regular file at `path`, or a file without content; return what."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    what = rng.choice(["fifo", "socket", "folder", "device", "zeros", "broken link", "loop", "empty", "link to itself"])
    if what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        here = os.getcwd()
        with socket.socket(socket.AF_UNIX) as end:
            os.chdir(path.parent)  # the names of sockets are short
            end.bind(path.name)
            os.chdir(here)
    elif what == "folder":
        path.mkdir()
    elif what == "device":
        path.symlink_to("/dev/null")
    elif what == "zeros":
        path.symlink_to("/dev/zero")
    elif what == "broken link":
        path.symlink_to("nowhere")
    elif what == "loop":
        path.symlink_to("..")
    elif what == "link to itself":
        path.symlink_to(path.name)
    else:
        path.touch()
    return what
