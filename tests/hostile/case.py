"""A kind of hostile input, and what a command must do with it."""

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

from .assets import Assets

REFUSED = "refused"  # with status 2 and one sentence
EITHER = "either: accepted where "  # begins the reason; whether it is depends on the seed
ACCEPTED = "accepted because "  # begins the reason


@dataclasses.dataclass
class Attempt:
    """One command on one hostile input.

    Attributes:
        argv: of the command `depthkit`; file names are relative to the case's folder, where it runs.
        expected: `REFUSED`, or `EITHER` or `ACCEPTED` with a reason; None: what the case says.
        env: variables of the environment that differ.
        file_size: no file may grow beyond this [bytes] (RLIMIT_FSIZE), as on a disk that is full.
        signal: is sent to the command after `signal_after` seconds.
        signal_after: [s].
        stdout_lines: the reader of the output goes away after so many lines; None: it stays.
        statuses: the exit statuses that are right, where `expected` does not say it.
    """

    argv: list[str]
    expected: str | None = None
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    file_size: int | None = None
    signal: int | None = None
    signal_after: float = 0.0
    stdout_lines: int | None = None
    statuses: tuple[int, ...] | None = None


# Makes the files of one input in an empty folder; the same random numbers make the same files.
Build = Callable[[Path, random.Random, Assets], list[str] | Attempt]


@dataclasses.dataclass(frozen=True)
class Case:
    """One family of hostile inputs: every seed makes another member of it.

    Attributes:
        kind: of the input: "images".
        name: of the family.
        build: see `Build`.
        expected: see `Attempt`.
        heavy: takes up to a minute, and is left to `make hostile`.
    """

    kind: str
    name: str
    build: Build
    expected: str
    heavy: bool = False

    def make(self, folder: Path, seed: str, assets: Assets) -> Attempt:
        """Write the input into `folder`; the seed is the whole source of chance."""
        made = self.build(folder, random.Random(f"{seed}/{self.kind}/{self.name}"), assets)
        attempt = made if isinstance(made, Attempt) else Attempt([str(part) for part in made])
        attempt.argv = [str(part) for part in attempt.argv]
        attempt.expected = attempt.expected or self.expected
        return attempt


CASES: dict[str, list[Case]] = {}  # by kind


def case(kind: str, expected: str = REFUSED, heavy: bool = False) -> Callable[[Build], Build]:
    """Register a function that makes hostile inputs of a kind: `@case("images", EITHER + "a pixel is another")`."""
    assert expected == REFUSED or expected.startswith((EITHER, ACCEPTED)) and len(expected.split()) > 4, expected

    def register(build: Build) -> Build:
        CASES.setdefault(kind, []).append(Case(kind, build.__name__, build, expected, heavy))
        return build

    return register
