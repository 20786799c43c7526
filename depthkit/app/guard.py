"""Who may talk to the page: no other site in a visitor's browser, no foreign name of this machine."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No address but the page's own: nothing is fetched from, or sent to, anywhere else.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Refuse requests that come through another name or another site, and close the page in.

    A browser sends with each request the name that it was made to (``Host``) and the site that made it (``Origin``,
    ``Sec-Fetch-Site``). A name that a stranger's server lets point at this machine (DNS rebinding) is a foreign
    ``Host``; another site's script or form is a foreign ``Origin``.

    Args:
        app: what is behind.
        host: the address that the page is bound to. On a loopback address only loopback names are allowed; else also
            every address in numbers, which nobody can let point elsewhere.
        names: further names of this machine.
    """

    def __init__(self, app: ASGIApp, host: str, names: Collection[str] = ()) -> None:
        self._app = app
        self._only_loopback = is_loopback(host)
        self._names = {"localhost", host.lower(), *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await JSONResponse({"detail": refusal}, 403)(scope, receive, send_with_headers)

    def _refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Return why a request is refused, None if it is not."""
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_allowed(_name(f"//{host}")):
            return (
                f"host {host[:100]!r}: is not a name of this page; open it under the address that depthkit printed, or "
                "start it with --allow-host NAME"
            )
        if method in ("GET", "HEAD") and not path.startswith("/api/"):
            return None
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return f"origin {origin[:100]!r}: another site may not use this page; open the page itself"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return "another site may not use this page; open the page itself"
        return None

    def _is_allowed(self, name: str) -> bool:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return name in self._names or not self._only_loopback or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what is bound to `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _name(url: str) -> str:
    """Return the host of a URL in lower case, without port and brackets; "" if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
