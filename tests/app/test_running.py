"""How the page ends."""

import asyncio
from types import SimpleNamespace

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="needs depthkit[app]")


def test_the_service_ends_before_its_requests_are_waited_for(monkeypatch):
    from depthkit.app.running import make_server

    ended = []

    async def wait(server: uvicorn.Server, sockets: object = None) -> None:
        ended.append("requests")

    monkeypatch.setattr(uvicorn.Server, "shutdown", wait)
    service = SimpleNamespace(end=lambda: ended.append("service"))
    asyncio.run(make_server(lambda scope, receive, send: None, service).shutdown())
    assert ended == ["service", "requests"]
