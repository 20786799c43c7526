"""Run the page until somebody ends it."""

import asyncio
import errno
import os
import socket
from collections.abc import Collection

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from depthkit.app.guard import is_loopback
from depthkit.app.server import make_app
from depthkit.app.service import Service
from depthkit.errors import InputError

_MOST_CONNECTIONS = 64
_SECONDS_TO_ASK = 10  # a connection that is silent for so long, or sends half a request, is closed
_SECONDS_TO_END = 3  # for what runs when the page is ended


def open_socket(host: str, port: int) -> socket.socket:
    """Bind an address; connections may come from now on, and wait.

    Args:
        host: address or name of this machine.
        port: 0 for any that is free.

    Raises:
        InputError: another program has the port, or this machine has no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
            opened.listen()
        except OSError:
            opened.close()
            raise
    except socket.gaierror as error:
        raise InputError(f"host {host!r}: is not an address; expected one of this machine: 127.0.0.1") from error
    except OSError as error:
        raise _not_bound(host, port, error) from error
    return opened


def _not_bound(host: str, port: int, error: OSError) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(f"port {port}: another program has it; give another by --port, or 0 for any that is free")
    if error.errno == errno.EACCES:
        return InputError(f"port {port}: only the administrator may have it; give one of 1024 or more by --port")
    if error.errno == errno.EADDRNOTAVAIL:
        return InputError(f"host {host}: is not an address of this machine; leave --host out, or give 0.0.0.0 for all")
    return InputError(f"host {host}, port {port}: cannot be opened ({os.strerror(error.errno)}); give others")


class _Protocol(H11Protocol):
    """A connection that is closed if no request comes through it; uvicorn would wait for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._look_again(None, True)

    def _look_again(self, before: object, was_idle: bool) -> None:
        self.loop.call_later(_SECONDS_TO_ASK, self._close_if_idle, before, was_idle)

    def _close_if_idle(self, before: object, was_idle: bool) -> None:
        """Close the connection if it is idle since the last look, with the same last request."""
        if self.transport.is_closing():
            return
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and was_idle and self.cycle is before:
            self.transport.close()
        else:
            self._look_again(self.cycle, is_idle)


class _Server(uvicorn.Server):
    """A server that lets the service end first: long work would keep it waiting."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.end()
        await super().shutdown(sockets)


def make_server(app: ASGIApp, service: Service) -> uvicorn.Server:
    """Make what serves `app`, whose work `service` does."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_level="critical",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    return _Server(config, service)


def run_page(service: Service, opened: socket.socket, host: str, names: Collection[str]) -> None:
    """Serve the page until a signal ends it, which is then raised as everywhere.

    Args:
        service: what answers.
        opened: see `open_socket`.
        host: of the socket, as it was given.
        names: see `Guard`.

    Raises:
        Exception: the first model cannot be loaded.
    """
    failures: list[BaseException] = []

    def stop(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    server = make_server(make_app(service, host, names, stop), service)
    print(f"page: {address_of(opened, host)} (Ctrl-C ends it)", flush=True)
    if not is_loopback(host):
        print("note: everybody who can reach this machine can use the page; there is no password", flush=True)
    try:
        server.run(sockets=[opened])
    finally:
        opened.close()
        service.close()
    if failures:
        raise failures[0]


def address_of(opened: socket.socket, host: str) -> str:
    """Return the address to type into a browser."""
    port = opened.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"
