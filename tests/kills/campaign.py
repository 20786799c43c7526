"""Trainings that are killed, resumed to their end, and compared with one that was never killed."""

import dataclasses
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from kills.kill_points import Kill
from kills.server import Server
from kills.training import VARIANTS, write_config

_AGAIN = 0.3  # probability that a training that is resumed is killed once more
_AT_A_WRITE = 0.6  # else after some time
_WITHIN = 60.0  # [s] in which the other process ends when one was killed


@dataclasses.dataclass(frozen=True)
class Straight:
    """The training never killed.

    Attributes:
        config: its file.
        folder: its work folder.
        writes: how often it wrote there (its first process).
        seconds: how long it took.
    """

    config: Path
    folder: Path
    writes: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Trial:
    """One training, the times that it was killed, and what was wrong in the end."""

    name: str
    kills: tuple[Kill, ...]
    problems: tuple[str, ...]


class Campaign:
    """Runs trainings of one or two processes in a folder.

    Args:
        folder: for configs and work folders; those of trials that end well are removed.
        processes: of each training, joined by gloo.
    """

    def __init__(self, folder: Path, processes: int = 1) -> None:
        self.folder = folder
        self.processes = processes
        self.server = Server()
        self._straight: dict[str, Straight] = {}

    def close(self) -> None:
        """End the server."""
        self.server.close()

    def straight(self, variant: str) -> Straight:
        """Run the training of `variant` to its end, once."""
        if variant not in self._straight:
            config = write_config(self.folder, variant, self.processes)
            folder = self.folder / f"straight_{variant}"
            ends = self._train(config, folder)
            assert all(end["status"] == 0 for end in ends), ends[0]["output"]
            self._straight[variant] = Straight(config, folder, ends[0]["writes"], ends[0]["seconds"])
        return self._straight[variant]

    def trials(self, seed: int, count: int) -> Iterator[Trial]:
        """Run `count` trials, each with its own random numbers of `seed`."""
        for number in range(count):
            rng = random.Random(f"{seed}/{number}")
            variant = rng.choice(sorted(VARIANTS))
            straight = self.straight(variant)
            kills = [self._draw(rng, straight)]
            while rng.random() < _AGAIN:
                kills.append(self._draw(rng, straight))
            yield self.trial(variant, kills, f"{seed}_{number}")

    def trial(self, variant: str, kills: list[Kill], name: str) -> Trial:
        """Kill a training of `variant` by one of `kills` after the other, resume it to its end, and compare."""
        straight = self.straight(variant)
        folder = self.folder / name
        problems = []
        for number, kill in enumerate(kills):
            ends = self._train(straight.config, folder, *(["--resume"] if number else []), kill=kill)
            problems += self._judge(ends, kill)
        for end in self._train(straight.config, folder, "--resume"):
            if end["status"]:
                problems.append(f"the resumed training ended with status {end['status']}: {end['output'][-500:]}")
        if not problems:
            problems = self.server.compare(straight.folder, folder)
        if not problems:
            shutil.rmtree(folder)
        return Trial(f"{variant} {name}", tuple(kills), tuple(problems))

    def _train(self, config: Path, folder: Path, *options: str, kill: Kill | None = None) -> list[dict]:
        launcher = ["--launcher", "pytorch"] if self.processes > 1 else []
        args = ["train", config, "--out", folder, "--device", "cpu", *options, *launcher]
        return self.server.run(args, folder, kill, self.processes)

    def _judge(self, ends: list[dict], kill: Kill) -> Iterator[str]:
        """Name what was wrong with how the processes ended; a kill may also come too late."""
        killed = ends[kill.rank]
        if killed["status"] not in (0, -kill.number):
            yield f"the killed process ended with status {killed['status']}: {killed['output'][-500:]}"
        for end in ends:
            if killed["status"] == 0 or end is killed:
                continue
            waited = end["seconds"] - killed["seconds"]
            if end["status"] != 2 or "Traceback" in end["output"] or waited > _WITHIN:
                yield f"the other ended with status {end['status']} after {waited:.0f} s: {end['output'][-500:]}"

    def _draw(self, rng: random.Random, straight: Straight) -> Kill:
        # Processes that have not yet found each other wait for minutes: that is torchrun's to notice, not theirs.
        if self.processes > 1 or rng.random() < _AT_A_WRITE:
            rank = rng.randrange(self.processes)
            return Kill(write=rng.randint(1, straight.writes), torn=rng.random() < 0.5, rank=rank)
        return Kill(seconds=rng.uniform(0, straight.seconds))
