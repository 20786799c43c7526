"""Files by their address: http and https within limits of time and size, ``file://`` as a path."""

import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from depthkit import __version__
from depthkit.errors import InputError

MAX_DOWNLOAD = 256 * 2**20  # [bytes]; an image of 80 megapixels that is not compressed
SILENCE = 15.0  # [s] without a byte
PATIENCE = 120.0  # [s] for the whole file, looking up the name too
_CHUNK = 2**16  # [bytes]
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://")


def url_scheme(text: str) -> str | None:
    """Return the scheme of an address, such as ``https``; None of what is not an address."""
    match = _URL.match(text)
    return match["scheme"].lower() if match else None


def file_url_path(url: str) -> Path:
    """Return the path of a file on this machine that a ``file://`` address names.

    Raises:
        InputError: it names another machine.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{url}: names the machine '{parts.netloc}'; expected file:///path of a file on this one")
    return Path(urllib.request.url2pathname(parts.path))


def fetch(url: str, expected: str) -> bytes:
    """Download a file into memory: `MAX_DOWNLOAD` at most, within `PATIENCE`.

    It runs in a thread, because looking up a name has no time limit of its own.

    Args:
        url: http or https; redirections are followed to such addresses alone.
        expected: what it should be, for messages: "an image".

    Raises:
        InputError: it is another kind of address, there is no such file, it is too large, a web page, or too slow.
    """
    if url_scheme(url) not in ("http", "https"):
        raise InputError(f"{url}: is not an address that depthkit reads; expected http, https, file or a path")
    done: list[bytes | Exception] = []

    def work() -> None:
        try:
            done.append(_download(url, expected, time.monotonic() + PATIENCE))
        except Exception as error:  # raised below
            done.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not done:
        raise _too_slow(url)
    if isinstance(done[0], bytes):
        return done[0]
    if isinstance(done[0], TimeoutError) or isinstance(getattr(done[0], "reason", None), TimeoutError):
        raise _too_slow(url) from done[0]
    if isinstance(done[0], urllib.error.HTTPError):
        reason = f"{done[0].code} {done[0].reason}"
    elif isinstance(done[0], (OSError, HTTPException, ValueError)) and not isinstance(done[0], InputError):
        reason = str(getattr(done[0], "reason", "") or done[0] or type(done[0]).__name__)
    else:
        raise done[0]
    raise InputError(
        f"{url}: cannot be fetched ({' '.join(reason.split())[:200]}); check the address and the network, or download "
        "the file and give its path"
    ) from done[0]


def _download(url: str, expected: str, deadline: float) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": f"depthkit/{__version__}"})
    with _opener().open(request, timeout=SILENCE) as response:
        _check_headers(url, response, expected)
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > MAX_DOWNLOAD:
                raise _too_large(url, "more than")
            if time.monotonic() > deadline:
                raise TimeoutError
        declared = response.headers.get("Content-Length")
        if declared is not None and declared.isdigit() and len(content) < int(declared):
            raise HTTPException(f"the connection ended after {len(content)} of {declared} bytes")
        return bytes(content)


def _opener() -> urllib.request.OpenerDirector:
    """Make an opener of http and https alone, through the proxies that the environment names."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPRedirectHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _check_headers(url: str, response: HTTPResponse, expected: str) -> None:
    declared = response.headers.get("Content-Length") or ""
    if declared.isdigit() and int(declared) > MAX_DOWNLOAD:
        raise _too_large(url, f"{int(declared) / 2**20:.4g} MiB, more than")
    if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise InputError(f"{url}: is a web page; expected {expected}, so give the address of the file itself")


def _too_large(url: str, size: str) -> InputError:
    return InputError(f"{url}: has {size} {MAX_DOWNLOAD / 2**20:g} MiB; download the file and give its path")


def _too_slow(url: str) -> InputError:
    return InputError(
        f"{url}: no answer in time ({SILENCE:g} s of silence, or {PATIENCE:g} s in all); check the address and the "
        "network, or download the file and give its path"
    )
