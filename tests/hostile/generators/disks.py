"""Disks that fill up, and outputs that cannot be written."""

from ..case import ACCEPTED, EITHER, Attempt, case


@case("disks", EITHER + "the results are smaller than the space")
def that_fill_up(folder, rng, assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    argv = rng.choice(
        [
            ["predict", image, "--weights", weights, "--out", "out", "--point-cloud", "--side-by-side"],
            [
                "predict",
                image,
                "--weights",
                weights,
                "--out",
                "out",
                "--json",
                "a.json",
                "--float-format",
                rng.choice(["npy", "tiff", "exr"]),
            ],
            ["tokens", image, "--weights", weights, "--out", "out"],
            ["train", str(assets.config), "--out", "work"],
            ["test", weights, "--save-dir", "out", "--json", "a.json"],
            ["export-weights", weights, "--out", "a.safetensors", "--json", "a.json"],
            ["prepare-nyu", str(assets.path("nyu_mat")), "--out", "out"],
            ["configs", "--json", "a.json"],
            ["models", "--json", "a.json"],
            ["export", weights, "--out", "a.pt2"],
            [
                "benchmark",
                "--rounds",
                "1",
                "--inputs",
                "32x32:1",
                "--variants",
                "deit",
                "--model",
                "tiny",
                "--json",
                "a.json",
            ],
        ]
    )
    # Also standard output and error are files here: the sentence needs some room.
    return Attempt(argv, file_size=int(10 ** rng.uniform(3.3, 6.5)), statuses=(0, 2))


@case("disks", EITHER + "what the command writes goes elsewhere")
def that_are_read_only(folder, rng, assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    out = rng.choice(["/proc/depthkit", "/sys/depthkit", "/dev/null/depthkit", "/proc/self/fd/depthkit"])
    return Attempt(
        rng.choice(
            [
                ["predict", image, "--weights", weights, "--out", out],
                ["tokens", image, "--weights", weights, "--out", out],
                ["train", str(assets.config), "--out", out],
                ["test", weights, "--save-dir", out],
                ["test", weights, "--json", f"{out}/a.json"],
                ["export", weights, "--out", f"{out}/a.onnx"],
                ["export-weights", weights, "--out", f"{out}/a.safetensors"],
                ["prepare-nyu", str(assets.path("nyu_mat")), "--out", out],
                ["benchmark", "--json", f"{out}/a.json"],
                ["demo", "--out", out],
            ]
        ),
        statuses=(2,),
    )


@case("disks", ACCEPTED + "the command has nothing to print, or its output is not what is full")
def as_the_output(folder, rng, assets):
    argv = rng.choice(
        [["models"], ["configs"], assets.predict(assets.path("image.png")), ["test", str(assets.weights)]]
    )
    return Attempt(argv, file_size=rng.randint(600, 2000), statuses=(0, 2))
