"""A file that somebody sends: received within limits into memory, never written to a disk."""

import asyncio
import re

from starlette.requests import ClientDisconnect, Request

from depthkit.app.limits import Limits
from depthkit.errors import InputError

_LONGEST_NAME = 100  # characters, of a file's name
_UNUSUAL = re.compile(r"[^\w.()+-]+")


class TooLarge(InputError):
    """The file has more bytes than the page takes."""


class TooSlow(InputError):
    """The file did not arrive in time."""


async def receive_file(request: Request, limits: Limits) -> bytes:
    """Receive the body of a request.

    Raises:
        TooLarge: it has more than `Limits.upload_bytes`; no more than that is held.
        TooSlow: it did not arrive within `Limits.seconds_to_send`.
        InputError: it is empty, or broke off.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.upload_bytes:
        raise _too_large(limits)
    try:
        content = await asyncio.wait_for(_receive(request, limits), limits.seconds_to_send)
    except asyncio.TimeoutError as error:
        raise TooSlow(f"the file did not arrive within {limits.seconds_to_send:g} s; send a smaller one") from error
    except ClientDisconnect as error:
        raise InputError("the file broke off; send it again") from error
    if not content:
        raise InputError("the file is empty (0 bytes); expected an image")
    return content


async def _receive(request: Request, limits: Limits) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > limits.upload_bytes:
            raise _too_large(limits)
    return bytes(received)


def _too_large(limits: Limits) -> TooLarge:
    return TooLarge(
        f"the file has more than {limits.upload_bytes / 2**20:g} MiB, which is the most here; make it smaller, or "
        "start the page with --max-mib"
    )


def stem_of(name: str) -> str:
    """Return the name of a file without its suffix, fit for the names of results.

    Raises:
        InputError: it is a path, too long, or has characters that no name has.
    """
    if "/" in name or "\\" in name or not name.isprintable() or not name.strip(". "):
        raise InputError(f"name {name[:100]!r}: is not the name of a file; expected one without folders: photo.jpg")
    if len(name) > _LONGEST_NAME:
        raise InputError(f"name {name[:20]!r}...: has {len(name)} characters; expected {_LONGEST_NAME} at most")
    stem = name.rpartition(".")[0] or name
    return _UNUSUAL.sub("_", stem).strip("._") or "image"
