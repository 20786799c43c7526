"""A file that somebody sends: received within limits into memory."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.requests import ClientDisconnect, Request

from depthkit.app.limits import Limits
from depthkit.app.work_line import LineFull
from depthkit.errors import InputError

_LONGEST_NAME = 100  # characters, of a file's name
_SECONDS_TO_DISCARD = 2.0  # of the rest of a file that is too large
_UNUSUAL = re.compile(r"[^\w.()+-]+")


class TooLarge(InputError):
    """The file has more bytes than the page takes."""


class UnknownOption(InputError):
    """The request has an option that its address does not have."""


class TooSlow(InputError):
    """The file arrives too slowly."""


class Uploads:
    """The files that arrive, wait or are worked on, which are all in memory.

    Args:
        limits: of one file, of all of them, and of how slowly one may arrive.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0  # [bytes]

    @asynccontextmanager
    async def receive(self, request: Request, name: str, expected: str) -> AsyncIterator[bytes]:
        """Receive the body of a request, and count it as held until the block ends.

        Args:
            request: whose body is the file.
            name: of the file, for messages.
            expected: what it should be, for messages.

        Raises:
            TooLarge: it has more than `Limits.upload_bytes`; no more than that is held.
            TooSlow: it arrives more slowly than `Limits.bytes_per_second`.
            LineFull: too much is held already.
            InputError: it is empty, or broke off.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limits.upload_bytes:
            await _discard(request.stream())
            raise self._too_large(name)
        received = bytearray()
        try:
            await self._fill(received, request, name)
            if not received:
                raise InputError(f"{name}: is empty (0 bytes); expected {expected}")
            yield bytes(received)
        except ClientDisconnect as error:
            raise InputError(f"{name}: broke off; send it again") from error
        finally:
            self._held -= len(received)

    async def _fill(self, received: bytearray, request: Request, name: str) -> None:
        limits, chunks, clock = self._limits, request.stream(), asyncio.get_running_loop()
        begin = clock.time()
        while True:
            allowed = limits.seconds_to_begin + len(received) / limits.bytes_per_second
            try:
                chunk = await asyncio.wait_for(anext(chunks), begin + allowed - clock.time())
            except asyncio.TimeoutError as error:
                rate = f"{limits.bytes_per_second / 2**10:g} KiB a second"
                raise TooSlow(f"{name}: arrived at less than {rate}; send a smaller file") from error
            if not chunk:
                return
            if len(received) + len(chunk) > limits.upload_bytes:
                await _discard(chunks)
                raise self._too_large(name)
            if self._held + len(chunk) > limits.waiting * limits.upload_bytes:
                raise LineFull
            received += chunk
            self._held += len(chunk)

    def _too_large(self, name: str) -> TooLarge:
        return TooLarge(
            f"{name}: has more than {self._limits.upload_bytes / 2**20:g} MiB, which is the most here; make it "
            "smaller, or start the page with --max-mib"
        )


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    """Read the rest of a body for a moment: many clients read the answer only after sending it all."""

    async def read_all() -> None:
        async for _ in chunks:
            pass

    with suppress(asyncio.TimeoutError, ClientDisconnect):
        await asyncio.wait_for(read_all(), _SECONDS_TO_DISCARD)


def stem_of(name: str) -> str:
    """Return the name of a file without its suffix, fit for the names of results.

    Raises:
        InputError: it is a path, too long, or has control characters.
    """
    # Other invisible characters are common: macOS puts U+202F into the names of screenshots.
    control = any(unicodedata.category(one) == "Cc" for one in name)
    if "/" in name or "\\" in name or control or not name.strip(". "):
        raise InputError(f"name {name[:100]!r}: is not the name of a file; expected one without folders: photo.jpg")
    if len(name) > _LONGEST_NAME:
        raise InputError(f"name {name[:20]!r}...: has {len(name)} characters; expected {_LONGEST_NAME} at most")
    stem = name.rpartition(".")[0] or name
    return _UNUSUAL.sub("_", stem).strip("._") or "image"
