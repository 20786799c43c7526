"""Signals at any moment, and readers of the output that go away."""

import signal

from ..case import ACCEPTED, Attempt, case

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def _commands(assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    many = [str(assets.path("rgbd") / "rgb"), image]
    return [
        ["predict", *many, "--weights", weights, "--out", "out", "--point-cloud", "--side-by-side", "--json", "a.json"],
        ["tokens", *many, "--weights", weights, "--out", "out"],
        ["train", str(assets.config), "--out", "work", "--cfg-options", "max_epochs=3"],
        ["train", str(assets.config), "--out", "w", "--cfg-options", "max_epochs=3", "train_dataloader.num_workers=1"],
        ["test", weights, "--save-dir", "out", "--json", "a.json"],
        ["export-weights", weights, "--out", "a.safetensors", "--json", "a.json"],
        ["prepare-nyu", str(assets.path("nyu_mat")), "--out", "out"],
        ["prepare-nyu", str(assets.path("nyu_sync")), "--check"],
        ["evaluate-selection", "--weights", weights, "--images", *many, "--json", "a.json"],
        ["benchmark", "--rounds", "2", "--inputs", "32x32:1", "--variants", "deit", "--json", "a.json"],
        ["models"], ["configs", "--json", "a.json"], ["export", weights, "--out", "a.pt2"],
    ]  # fmt: skip


@case("signals", ACCEPTED + "the command may end before the signal comes")
def at_any_moment(folder, rng, assets):
    sent = int(rng.choice(SIGNALS))
    return Attempt(
        rng.choice(_commands(assets)), signal=sent, signal_after=0.1 + rng.expovariate(1.0), statuses=(0, 128 + sent)
    )


@case("signals", ACCEPTED + "a short output may be complete before its reader goes")
def readers_that_go(folder, rng, assets):
    return Attempt(rng.choice(_commands(assets)[:-1]), stdout_lines=rng.randint(0, 3), statuses=(0, 141))
