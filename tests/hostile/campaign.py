"""Run hostile inputs and check what the commands did."""

import dataclasses
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from .assets import Assets
from .case import ACCEPTED, CASES, REFUSED, Attempt, Case
from .server import Server

TIME_LIMIT = 100.0  # [s], for what takes a second, and for the largest images half a minute
MEMORY_LIMIT = 2 * 2**30  # [bytes] beyond what importing everything takes
LONGEST = 1000  # characters of an error, with its paths
# Commands that say with status 1 what they found.
ONE_MEANS_SOME = {"predict", "prepare-nyu", "tokens", "evaluate-selection"}
RAW = re.compile(
    r"\w+Warning: |^libpng|^lib\w+: |TIFF\w+: |HDF5-DIAG|^\[W\d|Exception ignored|\.py:\d+: |^Corrupt |terminate called"
    r"|^Aborted|^Segmentation| object at 0x|<class '|mmengine - WARNING - Failed"
)


@dataclasses.dataclass
class Outcome:
    """What a command did with an input.

    Attributes:
        name: "kind/name", and the seed, which make it again.
        command: a line for the shell, to be typed in `folder`.
        folder: the files of the input, and stdout.txt and stderr.txt.
        expected: see `Case`.
        status: of the command.
        problems: each rule that it broke.
        stderr: what it said.
        peak: memory [bytes] beyond the start.
        seconds: how long it took.
        cpu: time of a processor [s].
    """

    name: str
    seed: str
    command: str
    folder: Path
    expected: str
    status: int
    problems: list[str]
    stderr: str
    peak: int
    seconds: float
    cpu: float

    def report(self) -> str:
        """Describe a failure with what makes it again."""
        tail = "\n".join(f"    | {line}" for line in self.stderr.strip().splitlines()[-12:])
        return (
            f"{self.name} (expected: {self.expected}): {'; '.join(self.problems)}\n"
            f"    again: python -m tests.hostile --case {self.name} --seed {self.seed}\n"
            f"    or:    cd {self.folder} && {self.command}\n{tail}"
        )


class Campaign:
    """A server, its valid files, and a folder for each input."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server()
        self.assets = Assets(folder / "assets")
        self.assets.folder.mkdir(parents=True)
        done = self.server.run(
            call="hostile.assets:make_assets",
            args=[str(self.assets.folder)],
            folder=str(folder),
            stdout=str(folder / "assets.out"),
            stderr=str(folder / "assets.err"),
            limit=300,
            memory=8 * MEMORY_LIMIT,
        )
        assert done["status"] == 0, (folder / "assets.err").read_text()

    def run(self, case: Case, seed: str) -> Outcome:
        """Make one input of a case and run its command; the folder stays only if that fails."""
        name = f"{case.kind}/{case.name}"
        place = self.folder / f"{case.kind}-{case.name}-{seed.replace('/', '-')}"
        folder = place / "in"
        folder.mkdir(parents=True)
        attempt = case.make(folder, seed, self.assets)
        before = set(_files(folder))
        streams = {stream: str(place / f"{stream}.txt") for stream in ("stdout", "stderr")}
        for path in streams.values():
            Path(path).touch()  # a signal may come before the command opens them
        done = self.server.run(
            argv=attempt.argv,
            folder=str(folder),
            limit=TIME_LIMIT,
            memory=MEMORY_LIMIT,
            env={"DEPTHKIT_CACHE": str(place / "cache"), **attempt.env},
            file_size=attempt.file_size,
            signal=attempt.signal,
            signal_after=attempt.signal_after,
            stdout_lines=attempt.stdout_lines,
            **streams,
        )
        texts = {stream: Path(path).read_text(errors="replace") for stream, path in streams.items()}
        left = [path for path in _files(folder) if path not in before and _is_half_written(path)]
        left = [path for path in left if not _is_asked_for(path, before, attempt.argv)]
        problems = check(attempt, done, texts["stdout"], texts["stderr"], left)
        if problems:
            self._keep_assets(attempt, folder)
        else:
            shutil.rmtree(place)
        command = shlex.join(["depthkit", *attempt.argv])
        expected = attempt.expected or case.expected
        return Outcome(
            name, seed, command, folder, expected, done["status"], problems, texts["stderr"], done["peak"],
            done["seconds"], done["cpu"],
        )  # fmt: skip

    def close(self) -> None:
        self.server.close()

    def _keep_assets(self, attempt: Attempt, folder: Path) -> None:
        """Copy the valid files that the command names beside the others, so that the folder stands alone."""
        start = f"{self.assets.folder}/"
        for place, word in enumerate(attempt.argv):
            if word.startswith(start) and (name := word.removeprefix(start)):
                target = folder / f"valid_{Path(name).name}"
                if Path(word).is_dir():
                    shutil.copytree(word, target, dirs_exist_ok=True)
                elif Path(word).is_file():
                    shutil.copyfile(word, target)
                attempt.argv[place] = target.name


def select(kinds: Sequence[str] = ()) -> list[Case]:
    """Return the cases of some kinds, of all when none is named."""
    return [case for kind, cases in CASES.items() if not kinds or kind in kinds for case in cases]


def plan(seed: int, count: int, kinds: Sequence[str] = (), heavy: bool = True) -> Iterator[tuple[Case, str]]:
    """Yield `count` inputs: all cases in turn, then all again with another seed; without the heavy ones if asked."""
    cases = [case for case in select(kinds) if heavy or not case.heavy]
    for index in range(count):
        yield cases[index % len(cases)], f"{seed}.{index // len(cases)}"


def check(attempt: Attempt, done: dict, stdout: str, stderr: str, left: Sequence[Path]) -> list[str]:
    """Return each rule that the command broke."""
    problems = []
    status, expected = done["status"], attempt.expected
    if done["stopped"] == "time":
        problems.append(f"did not end within {TIME_LIMIT:.0f} s")
    if done["peak"] > MEMORY_LIMIT:
        problems.append(f"took {done['peak'] / 2**30:.1f} GB")
    if done["died"] and not done["stopped"] and attempt.signal is None:
        problems.append(f"died of signal {status - 128}")
    if "Traceback (most recent call last)" in stdout + stderr:
        problems.append("a traceback")
    if raw := next((line for line in (stdout + "\n" + stderr).splitlines() if RAW.search(line)), None):
        problems.append(f"raw output of a library: {raw.strip()[:160]!r}")
    if left:
        problems.append(f"left {', '.join(path.name for path in left)}")
    if not done["stopped"] and status not in (allowed := _statuses(attempt)):
        problems.append(f"status {status}, not {' or '.join(map(str, sorted(allowed)))}")
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    if status == 2:
        last = next((line for line in reversed(stderr.splitlines()) if line.strip()), "")
        if not last.startswith("error: "):
            problems.append("status 2 without a last line 'error: ...'")
    elif expected == REFUSED and status == 1 and not errors and attempt.argv[0] == "predict":
        problems.append("status 1 without a line 'error: ...'")
    if long := [line for line in errors if len(line) > LONGEST]:
        problems.append(f"an error of {len(long[0])} characters")
    return problems


def _statuses(attempt: Attempt) -> set[int]:
    if attempt.statuses is not None:
        return set(attempt.statuses)
    some = {1} if attempt.argv and attempt.argv[0] in ONE_MEANS_SOME else set()
    sent = {128 + attempt.signal} if attempt.signal is not None else set()
    if attempt.expected == REFUSED:
        return {2} | some | sent
    if attempt.expected.startswith(ACCEPTED):
        return {0} | sent
    return {0, 2} | some | sent


def _is_half_written(path: Path) -> bool:
    empty = not path.lstat().st_size and path.suffix != ".log"  # the log of a training begins empty
    return path.name.startswith(".") or path.name.endswith(".tmp") or empty


def _is_asked_for(path: Path, before: set[Path], argv: Sequence[str]) -> bool:
    """Return whether a hidden file is an argument, or the result of a hidden image: `.a_depth.png` of `.a.png`."""
    hidden = [old.stem for old in before if old.name.startswith(".")]
    return path.name in {Path(word).name for word in argv} or any(path.name.startswith(f"{stem}_") for stem in hidden)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
