"""Get the file of a published model from the hub, once, and check it. It imports no torch."""

import errno
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from depthkit.errors import InputError
from depthkit.utils.hub import NoAnswer, ask_hub
from depthkit.zoo.file_hash import hash_file
from depthkit.zoo.zoo_model import ZooModel

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

_SHA256 = re.compile("[0-9a-f]{64}")
_GIVE_IT = "give it by --weights FILE (in Python: weights, in create_model pretrained)"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.EIO)


def cached_weights(model: ZooModel) -> Path | None:
    """Return the file of `model` in the hub's cache, None if it is not there; nothing is downloaded."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model.repo, model.file, revision=model.revision)
    return Path(found) if isinstance(found, str) else None


def cache_folder() -> Path:
    """Return the folder in which the hub's files are kept; the environment variable HF_HUB_CACHE names it."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def fetch_weights(model: ZooModel) -> Path:
    """Return the file of `model`, downloaded if it is not in the hub's cache.

    Its SHA-256 is compared with that of the table and with the one that the hub says; that of a file in the cache too,
    but only once (`hash_file`). A file that differs is removed; one that was in the cache is downloaded again, which a
    note on stderr says.

    Raises:
        InputError: one sentence that says what is wrong (no network, no access, no space, another file) and how to get
            the file by hand. Where the hub does not answer it comes after 3 s.
    """
    from huggingface_hub import constants

    found = cached_weights(model)
    fault = None if found is None else _find_fault(found, model)
    if found is not None and fault is None:
        return found
    lack = f"its file is not in the cache {cache_folder()}" if found is None else f"{found} is damaged ({fault})"
    if constants.HF_HUB_OFFLINE:
        raise InputError(f"{model.name}: {lack}, and HF_HUB_OFFLINE is set; unset it, or {_by_hand(model)}")
    if found is not None:
        print(f"note: {model.name}: {lack} and will be downloaded again", file=sys.stderr)
    with _quiet_hub():
        known = _ask_hub(model)
        published = known.etag if _SHA256.fullmatch(known.etag) else None
        if model.sha256 and published and published != model.sha256:
            raise InputError(
                f"{model.name}: the hub has another {model.file} (SHA-256 {published[:12]}..., expected "
                f"{model.sha256[:12]}...), so it was not downloaded; get the published file and {_GIVE_IT}"
            )
        _check_space(model, known.size or model.size)
        path = _download(model, found)
    expected = model.sha256 or published
    actual = hash_file(path)
    if expected and actual != expected:
        _remove(path)
        raise InputError(
            f"{model.name}: the downloaded {model.file} is damaged or another file (SHA-256 {actual[:12]}..., expected "
            f"{expected[:12]}...) and was removed from the cache; run the command again, or {_by_hand(model)}"
        )
    return path


def _find_fault(path: Path, model: ZooModel) -> str | None:
    """Return in what a file of the cache differs from what the hub had, None if in nothing that is known.

    The cache names a content by its SHA-256, and links to it; where it has no links that of the table counts.

    Raises:
        InputError: the file is valid, but another than the published one, or cannot be read.
    """
    stored = path.resolve().name
    expected = stored if _SHA256.fullmatch(stored) else model.sha256
    if expected is None:
        return None
    actual = hash_file(path)
    if actual != expected:
        return f"SHA-256 {actual[:12]}..., expected {expected[:12]}..."
    if model.sha256 not in (None, actual):
        raise InputError(
            f"{model.name}: {path} is another {model.file} of the hub than the published one (SHA-256 "
            f"{actual[:12]}..., expected {model.sha256[:12]}...); get the published file and {_GIVE_IT}"
        )
    return None


def _ask_hub(model: ZooModel) -> "HfFileMetadata":
    """Ask for size and hash of the file; this finds out within seconds whether it can be downloaded."""
    from huggingface_hub import hf_hub_url

    try:
        answer = ask_hub(hf_hub_url(model.repo, model.file, revision=model.revision))
    except NoAnswer as error:
        raise _unreachable(model, str(error)) from error
    except Exception as error:  # network, hub and access have no common type
        raise _refused(model, error) from error
    if not (answer.etag and answer.commit_hash):
        raise _unreachable(model, "what answers there is not a hub; a proxy, or the page of a login?")
    return answer


def _download(model: ZooModel, damaged: Path | None) -> Path:
    """Download the file of `model`, after the one that is `damaged` was removed from the cache."""
    from huggingface_hub import hf_hub_download

    try:
        if damaged is not None:
            _remove(damaged)
        return Path(hf_hub_download(model.repo, model.file, revision=model.revision))
    except Exception as error:  # network, hub and disk have no common type
        number = _disk_error(error)
        if number in _NO_SPACE:
            raise _no_space(model, "is full") from error
        if number is not None:
            raise InputError(
                f"{model.name}: the cache {cache_folder()} cannot be written ({os.strerror(number)}); name another "
                f"folder by the environment variable HF_HUB_CACHE, or {_by_hand(model)}"
            ) from error
        if _status(error):
            raise _refused(model, error) from error
        raise InputError(
            f"{model.name}: the download of {model.file} broke off ({type(error).__name__}) and nothing of it was "
            f"kept as complete; run the command again, or {_by_hand(model)}"
        ) from error


def _check_space(model: ZooModel, size: int | None) -> None:
    """Raise `InputError` if the cache has no room for `size` bytes."""
    folder = cache_folder().absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size is not None and free < size:
        raise _no_space(model, f"has {free / 1e6:.0f} MB free, and the file has {size / 1e6:.0f} MB")


def _remove(path: Path) -> None:
    """Remove a file of the cache and all links that lead to it: a snapshot's, and those of its blob."""
    while path.is_symlink():
        target = path.parent / os.readlink(path)
        path.unlink()
        path = target
    path.unlink(missing_ok=True)


def _by_hand(model: ZooModel, is_there: bool = True) -> str:
    other = model.transformers_repo
    if not is_there and other and other != model.repo:
        file, url = "model.safetensors, the same weights in another layout,", f"https://huggingface.co/{other}"
    else:
        file, url = model.file, model.url
    return f"fetch {file} by hand and {_GIVE_IT}: {url}"  # nothing after the address, so that it can be copied


def _unreachable(model: ZooModel, reason: str) -> InputError:
    from huggingface_hub import constants

    return InputError(f"{model.name}: {constants.ENDPOINT} cannot be reached ({reason}); {_by_hand(model)}")


def _no_space(model: ZooModel, state: str) -> InputError:
    return InputError(
        f"{model.name}: the disk of the cache {cache_folder()} {state}; free some space, or name another folder by the "
        "environment variable HF_HUB_CACHE"
    )


def _refused(model: ZooModel, error: Exception) -> InputError:
    """Say what the hub's answer, or its absence, means."""
    from huggingface_hub.errors import GatedRepoError

    status = _status(error)
    if status in (401, 403, 404) and not _is_of_hub(error):
        return _unreachable(model, f"HTTP {status} from something that is not a hub; a proxy, or the page of a login?")
    if isinstance(error, GatedRepoError):
        return InputError(
            f"{model.name}: the authors ask to accept their terms first (HTTP {status}); run `hf auth login`, and "
            f"repeat the command after you did so at https://huggingface.co/{model.repo}"
        )
    if status in (401, 403):
        return InputError(
            f"{model.name}: the hub gives no access to {model.repo} (HTTP {status}): it was removed or made private, "
            f"or the token HF_TOKEN is not valid; {_by_hand(model, is_there=False)}"
        )
    if status == 404:
        return InputError(
            f"{model.name}: {model.repo} has no {model.file} at revision {model.revision or 'main'} any more "
            f"(HTTP 404); {_by_hand(model, is_there=False)}"
        )
    if status:
        return InputError(
            f"{model.name}: the hub fails (HTTP {status}); repeat the command later, or {_by_hand(model)}"
        )
    return _unreachable(model, type(error).__name__)


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _is_of_hub(error: Exception) -> bool:
    """Whether an answer has what only the hub's have: a code or a message of the error."""
    return any(name.lower().startswith("x-error-") for name in error.response.headers)


def _disk_error(error: BaseException | None) -> int | None:
    """Return the number of the disk's error that lies under `error`, None if it is of another kind."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*_NO_SPACE, *_NOT_WRITABLE):
            return error.errno
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Keep the hub's own warnings back inside the block: what matters becomes one sentence. Its bar stays."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
