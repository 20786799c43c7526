import time

import pytest

from depthkit.utils import hub


def test_a_hub_that_is_silent_is_left_after_a_moment(monkeypatch):
    monkeypatch.setattr(hub, "_PATIENCE", 0.05)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url, timeout: time.sleep(5))
    start = time.monotonic()
    with pytest.raises(hub.NoAnswer, match=r"no answer within 0\.05 s"):
        hub.ask_hub("https://example.invalid/a")
    assert time.monotonic() - start < 4  # it does not wait for the thread


def test_what_the_hub_says_is_handed_on(monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url, timeout: (url, timeout))
    assert hub.ask_hub("https://example.invalid/a") == ("https://example.invalid/a", hub._PATIENCE)

    def refuse(url, timeout):
        raise PermissionError("gated")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", refuse)
    with pytest.raises(PermissionError, match="gated"):
        hub.ask_hub("https://example.invalid/a")
