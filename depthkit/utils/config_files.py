"""The configs that come with depthkit, and where the file of a config is."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

import depthkit
from depthkit.errors import InputError
from depthkit.utils.paths import expand_home


@dataclass(frozen=True)
class ConfigSummary:
    """One packaged config, described by the comment at its top.

    Attributes:
        name: what `load_config` takes, such as ``nyu_tosa_tiny``.
        title: the first sentence of the comment.
        result: the text after ``Result:``, or None.
        path: the file.
    """

    name: str
    title: str
    result: str | None
    path: Path


def list_configs() -> list[ConfigSummary]:
    """Describe the configs that come with depthkit, by name; nothing is executed."""
    summaries = []
    for path in sorted(_packaged_folder().glob("*.py")):
        header = re.match(r"(#.*\n)*", path.read_text(encoding="utf-8"))[0]
        words = " ".join(line.lstrip("# ") for line in header.splitlines())
        title = re.split(r"(?<=\.)\s", words, maxsplit=1)[0]
        result = re.search(r"Result: (.*)", words)
        if result:  # default_runtime.py is a part of the others
            summaries.append(ConfigSummary(path.stem, title, result[1], path))
    return summaries


def _packaged_folder() -> Path:
    """Return the folder of the wheel's configs, or of the repository's when run from there."""
    package = Path(depthkit.__file__).resolve().parent
    packaged = package / "_configs"
    return packaged if packaged.is_dir() else package.parent / "configs"


def find_config(config: str | Path) -> Path:
    """Return the path of a config that is given by path or by the name of a packaged one.

    Raises:
        InputError: there is none; the nearest name is suggested.
    """
    path = expand_home(config)
    if path.exists() and path.suffix == ".py":
        return path
    packaged = _packaged_folder()
    if path.parent == Path() and path.suffix in ("", ".py") and (packaged / f"{path.stem}.py").is_file():
        return packaged / f"{path.stem}.py"
    if path.suffix not in ("", ".py") or path.is_file():
        raise InputError(f"{path}: a config is a Python file with the suffix .py")
    names = [entry.stem for entry in packaged.glob("*.py")]
    near = difflib.get_close_matches(path.stem, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "`depthkit configs` lists those that come with depthkit"
    raise InputError(f"{path}: there is no such config; {hint}")
