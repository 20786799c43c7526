"""Options of the commands that mean nothing, are too many, too few or too large."""

import os

from ..case import ACCEPTED, EITHER, Attempt, case
from ..commands import commands


def _make_places(folder):
    (folder / "taken").write_text("mine")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")


@case("options", EITHER + "text like 1e3 or an empty name of a device has a meaning for some options")
def that_means_nothing(folder, rng, assets):
    _make_places(folder)
    known = commands(assets)
    command = rng.choice([words for words, options in known.items() for _ in range(1 + len(options) // 4)])
    name = rng.choice(list(known[command]))
    value = rng.choice(known[command][name])
    words = [] if value is None else value.split(" ") if name in ("--range", "--layers") else [value]
    # An image beside one that is there: the status says that some could not be read.
    beside = name == "--images" and command[0] == "evaluate-selection" or value == "shared 1"
    return Attempt([*command, *([name] if name else []), *words], statuses=(1, 2) if beside else (2,))


@case("options")
def without_what_is_needed(folder, rng, assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    return rng.choice(
        [
            ["predict"],
            ["predict", "--weights", weights],
            ["train"],
            ["test"],
            ["export"],
            ["export", weights],
            ["tokens", image],
            ["tokens", "--weights", weights],
            ["evaluate-selection"],
            ["evaluate-selection", "--images", image],
            ["prepare-nyu"],
            ["prepare-nyu", "."],
            ["export-weights"],
            ["nothing"],
            ["predic", image],
            ["predict", image, "--weights"],
            ["predict", image, "--weights", weights, "--range", "1"],
            ["test", weights, weights],
            ["test", "a.py"],
            ["test", "a", "b", "c"],
            ["export", weights, "--out"],
            ["--nothing"],
            ["predict", "--", "--weights"],
            ["train", str(assets.config), "more"],
            ["models", "a", "b"],
            ["benchmark", "--inputs"],
            ["predict", image, "--model", "a", "--weights", weights],
            ["predict", image, "--weights", weights, "--config"],
            ["prepare-nyu", ".", "--check", "--out", "a"],
            ["train", "--out", "a"],
            ["train", ""],
        ]
    )


@case("options", EITHER + "options may be repeated and mixed, and then the last counts")
def several_at_random(folder, rng, assets):
    _make_places(folder)
    known = commands(assets)
    command = rng.choice(list(known))
    argv = list(command)
    for _ in range(rng.randint(2, 4)):
        name = rng.choice([name for name in known[command] if name])
        value = rng.choice(known[command][name])
        argv += [name] if value is None else [name, *value.split(" ")]
    return Attempt(argv, statuses=(0, 1, 2))


@case("options", ACCEPTED + "help is always there")
def help_of(folder, rng, assets):
    return [
        *rng.choice([[], ["predict"], ["train"], ["benchmark"], ["prepare-nyu"], ["demo"], ["models"]]),
        rng.choice(["--help", "-h"]),
    ]


@case("options", EITHER + "some of them are settings that nothing here reads")
def variables_of_the_environment(folder, rng, assets):
    name = rng.choice(
        [
            "HF_HUB_DOWNLOAD_TIMEOUT",
            "HF_HUB_ETAG_TIMEOUT",
            "OMP_NUM_THREADS",
            "WORLD_SIZE",
            "RANK",
            "LOCAL_RANK",
            "DEPTHKIT_CACHE",
            "COLUMNS",
            "TMPDIR",
            "HOME",
            "LC_ALL",
        ]
    )
    value = rng.choice(["foo", "", "-1", "0", "1e9", "/nonexistent", "nan", "99999999999", "\udcff", "/dev/null"])
    argv = rng.choice(
        [
            assets.predict(assets.path("image.png")),
            ["models"],
            ["configs"],
            ["test", str(assets.weights), "--device", "cpu"],
        ]
    )
    return Attempt(argv, env={name: value})
