"""A process that has imported everything once, and answers requests in forks of itself.

A request is a line of JSON on its standard input, and so is the answer on its standard output.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent


class ForkServer:
    """The process, seen from the tests.

    Args:
        module: that calls `serve` when it is run.
    """

    def __init__(self, module: str) -> None:
        paths = [str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")]
        settings = {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "200",
            "MALLOC_ARENA_MAX": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n", "the server did not start"

    def ask(self, **request: object) -> Any:
        """Return the answer to a request."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the server ended during {request}"
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(30)


def serve(preload: Sequence[str], answer: Callable[[dict, int], Any]) -> None:
    """Answer requests until the standard input ends.

    Args:
        preload: modules that are imported before the forks, so that each of these takes a fraction of a second.
        answer: takes a request and a file descriptor that forks must not write to.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    for name in preload:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), answers.fileno())), file=answers, flush=True)
    os._exit(0)  # what was never collected, some libraries would report as leaked
