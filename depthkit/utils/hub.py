"""Ask the hub of models about a file: an answer within seconds, or none."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

# How long the hub may take to say what it has [s]. The environment variable HF_HUB_ETAG_TIMEOUT changes it.
_PATIENCE = 3.0


class NoAnswer(Exception):
    """The hub was silent for too long."""


def ask_hub(url: str) -> "HfFileMetadata":
    """Ask for size and hash of the file at `url`.

    The question runs in a thread, because looking up a name has no time limit of its own.

    Raises:
        NoAnswer: none came in time.
        Exception: whatever huggingface_hub raises for another answer.
    """
    from huggingface_hub import constants, get_hf_file_metadata

    given = constants.HF_HUB_ETAG_TIMEOUT
    patience = _PATIENCE if given == constants.DEFAULT_ETAG_TIMEOUT else given
    answers: list[HfFileMetadata | Exception] = []

    def ask() -> None:
        try:
            answers.append(get_hf_file_metadata(url, timeout=patience))
        except Exception as error:  # raised below
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience)
    if not answers:
        raise NoAnswer(f"no answer within {patience:g} s")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]
