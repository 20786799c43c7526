"""List the files of a folder of this machine."""

import os
from collections.abc import Iterator


def list_folder(folder: str, depth: int | None = None) -> Iterator[tuple[str, int, int]]:
    """Find the files of a folder and its subfolders, in no order.

    Names that begin with a dot are left out, folders of that kind too. Links to folders are not followed, so that
    nothing is found twice; links to files are.

    Args:
        folder: to search; nothing is found if there is none.
        depth: how many levels; 1: only the files directly in it; None: all.

    Yields:
        The path below the folder, the size [bytes] and the time of the last change [ns] of each file.

    Raises:
        OSError: a folder cannot be read.
    """
    if not os.path.lexists(folder):
        return
    waiting = [("", 1)]
    while waiting:
        inside, level = waiting.pop()
        with os.scandir(os.path.join(folder, inside)) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth is None or level < depth:
                        waiting.append((f"{inside}{entry.name}/", level + 1))
                    continue
                try:
                    if entry.is_file():
                        state = entry.stat()
                        yield f"{inside}{entry.name}", state.st_size, state.st_mtime_ns
                except OSError:  # a loop of links, or it went away
                    continue
