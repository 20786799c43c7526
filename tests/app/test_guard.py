"""Who may use the page: not another site through a visitor's browser, nor under a foreign name."""

import asyncio
import json

import pytest

from depthkit.app.guard import Guard, is_loopback


async def _app(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def ask(name: str, bound: str = "127.0.0.1", names=(), method="GET", path="/api/state", **headers):
    sent = []

    async def send(message) -> None:
        sent.append(message)

    raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in {"host": name, **headers}.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(Guard(_app, bound, names)(scope, None, send))
    answered = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], answered, sent[1]["body"]


@pytest.mark.parametrize("name", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST", "127.0.0.2"])
def test_names_of_this_machine_are_allowed(name):
    assert ask(name)[0] == 200


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7:8000", "", "[::1", "a@b"])
def test_foreign_names_are_refused_where_only_this_machine_is_served(name):
    status, _, body = ask(name)
    assert status == 403 and "is not a name of this page" in json.loads(body)["detail"]


def test_a_page_for_other_machines_takes_addresses_in_numbers_and_the_names_that_were_given():
    assert ask("192.168.0.7:8000", bound="0.0.0.0")[0] == 200
    assert ask("evil.example", bound="0.0.0.0")[0] == 403
    assert ask("depth.example", bound="0.0.0.0", names=("Depth.example",))[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9000", "https://localhost:8000"])
def test_other_sites_are_refused(origin):
    assert ask("127.0.0.1:8000", origin=origin, method="POST")[0] == 403
    assert ask("127.0.0.1:8000", origin=origin)[0] == 403


def test_the_page_itself_is_allowed():
    assert ask("127.0.0.1:8000", origin="http://127.0.0.1:8000", method="POST")[0] == 200
    assert ask("127.0.0.1:8000", sec_fetch_site="same-origin", method="POST")[0] == 200
    assert ask("127.0.0.1:8000", sec_fetch_site="cross-site", method="POST")[0] == 403
    assert ask("127.0.0.1:8000", sec_fetch_site="cross-site", path="/")[0] == 200  # a link leads to the page


def test_everything_carries_the_policy():
    for name in ("127.0.0.1:8000", "evil.example"):
        _, headers, _ = ask(name)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"


def test_loopback():
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("example.org")
