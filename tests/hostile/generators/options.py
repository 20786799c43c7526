"""Options of the commands that mean nothing, are too many, too few or too large."""

from ..case import ACCEPTED, EITHER, Attempt, case

COUNT = ["0", "-1", "1.5", "nan", "inf", "foo", "", " ", "1e3", "99999999999999999999999999"]
FRACTION = ["-0.1", "0", "1.5", "nan", "inf", "foo", "", ",", "0.5,,0.5", "1e400", "0.5,0.5,0.5,0.5,0.5,0.5,0.5"]
CHOICE = ["foo", "", "None", "TRUE", "../x", "shared "]
FILE = [
    "nothing.pth",
    "",
    ".",
    "/",
    "/dev/null",
    "/dev/zero",
    "x" * 300,
    "a/b/c.pth",
    "http://",
    "~nobody/w.pth",
    "\udcff.pth",
]
FOLDER = ["/proc/nothing", "/dev/null", "taken", "taken/below", "", "x" * 300, "/proc/self/mem"]
DEVICE = [
    "foo",
    "",
    "cuda",
    "cuda:99",
    "cpu:5x",
    "meta",
    "mps",
    "gpu",
    "cpu,cuda",
    "xpu",
    "cuda:-1",
    "-1",
    "hpu:0",
    "ipu",
]
JSON = ["", ".", "/", "/dev/null", "taken/a.json", "x" * 300, "/proc/a.json", "/dev/full", "pipe"]


def _commands(assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    predict = ["predict", image, "--weights", weights, "--out", "out"]
    tokens = ["tokens", image, "--weights", weights, "--out", "out"]
    train = ["train", str(assets.config), "--out", "work"]
    test = ["test", weights]
    export = ["export", weights, "--out", "a.pt2"]
    to_weights = ["export-weights", weights, "--out", "a.safetensors"]
    benchmark = ["benchmark", "--rounds", "1", "--inputs", "32x32:1", "--variants", "deit", "--model", "tiny"]
    measure = ["evaluate-selection", "--weights", weights, "--images", image]
    prepare = ["prepare-nyu", str(assets.path("nyu_sync")), "--check"]
    small = ["predict", image, "--model", "depth-anything-v2-small", "--out", "out"]
    exported = ["export-weights", "--model", "dpt-large", "--out", "a.safetensors"]
    return {
        (*predict,): {
            "--focal": ["0", "-1", "nan", "inf", "foo", "", "1e-9", "1e12", "EXIF"],
            "--outputs": ["foo", "", "+", ",", "+,foo", "exr,foo", "all"],
            "--colormap": ["foo", "", "0", "Turbo"],
            "--contact-sheet": ["sheet", "sheet.txt", "/proc/none/a.png", "/"],
            "--device": DEVICE,
            "--range": ["0 0", "5 1", "nan 1", "0 inf", "-1 5", "foo 1", "1", "shared 1"],
            "--weights": FILE,
            "--out": FOLDER,
            "--json": JSON,
            "--keep-rate": FRACTION,
            "--config": FILE,
            "--classes": [None],
            "--input-size": [*COUNT, "224"],
            "--model": FILE,
            "--preprocessing": ["authors", "foo"],
            "--selection": ["shared", "foo"],
            "--selective-layers": ["1", "foo", ""],
            "--cfg-options": ["a=1", "a", "=", "a=b=c", "model.backbone.keep_rate=2"],
            "--nothing": [None],
            "--seed": ["1"],
        },
        (*predict, "--keep-rate", "0.5"): {
            "--selection": CHOICE,
            "--selective-layers": ["", ",", "0", "99", "-1", "1,1", "1,2", "3,1", "foo", "1.5", "nan"],
        },
        (*small,): {
            "--input-size": COUNT,
            "--preprocessing": CHOICE,
            "--keep-rate": FRACTION,
            "--config": FILE,
            "--range": ["0 5"],
        },
        (*exported,): {
            "--input-size": COUNT,
            "--preprocessing": CHOICE,
            "--keep-rate": FRACTION,
            "--out": ["a.pth", "", ".", *FOLDER],
        },
        (*tokens,): {
            "--layers": ["0", "-1", "99", "foo", "1.5", "all 2", "1", ""],
            "--device": DEVICE,
            "--weights": FILE,
            "--out": FOLDER,
            "--json": JSON,
            "--img-size": [*COUNT, "100000", "224"],
            "--keep-rate": FRACTION,
            "--model": CHOICE,
            "--size": CHOICE,
            "--selection": CHOICE,
            "--config": FILE,
        },
        (*train,): {
            "--seed": ["-1", "1.5", "foo", "", "99999999999", "nan", "4294967296"],
            "--device": DEVICE,
            "--launcher": [*CHOICE, "pytorch"],
            "--amp": [None],
            "--out": FOLDER,
            "--json": JSON,
            "--nothing": [None],
            "--resume": ["foo"],
            "--cfg-options": [
                "a",
                "=1",
                "a=1",
                "model=5",
                "model.backbone=",
                "batch_size=0",
                "batch_size=(1",
                "batch_size=[1",
                "batch_size=1)",
                "a.b.c=1",
                "train_dataloader.dataset.pipeline=[]",
                "model.backbone.img_size=(32,)",
                "model.backbone.img_size='(32,)'",
                "max_epochs=1.5",
                "model.backbone.keep_rat=1",
                "batch_size=nan",
                "batch_size=1e400",
                "_base_=1",
                "filename=a",
                "train_cfg=1",
                "...=1",
                ".=1",
                "train_dataloader.num_workers=1.5",
                "custom_hooks.0=1",
                "custom_hooks.99.type=a",
                "custom_hooks.-1.type=a",
                "x" * 5000 + "=1",
                "load_from=http://",
                "load_from=https://127.0.0.1:1/a.pth",
                "default_hooks.checkpoint.save_best=nope",
                "log_level=FOO",
                "ema=2",
            ],
        },
        (*test,): {
            "--protocol": CHOICE,
            "--device": DEVICE,
            "--launcher": [*CHOICE, "pytorch"],
            "--weights": FILE,
            "--config": FILE,
            "--save-dir": FOLDER,
            "--json": JSON,
            "--cfg-options": ["a=1"],
            "--flip": ["foo"],
            "--boundary": ["foo"],
        },
        (*export,): {
            "--format": CHOICE,
            "--out": ["a.txt", "", ".", "a", *FOLDER, "x" * 300 + ".pt2", "taken/a.pt2"],
            "--json": JSON,
            "--config": FILE,
            "--device": ["cpu"],
        },
        (*to_weights,): {
            "--out": ["a.pth", "", ".", "taken/a.safetensors", "x" * 300 + ".safetensors"],
            "--keep-rate": FRACTION,
            "--input-size": ["224"],
            "--model": CHOICE,
            "--json": JSON,
        },
        (*benchmark,): {
            "--inputs": [
                "",
                "foo",
                "0x32:1",
                "32x32",
                "32x32:0",
                "32:1",
                "32x32x32:1",
                "-32x32:1",
                "nanx1:1",
                "1.5x32:1",
                "999999x999999:1",
                "999999x16:1",
                "32x32:999999999",
                "33x32:1",
                "16x17:1",
                "99999999999999999999x16:1",
                "1024x1024:10000",
                "x:",
                ":",
            ],
            "--variants": [
                "foo",
                "",
                "tosa_shared",
                "tosa_shared:0",
                "tosa_shared:2",
                "tosa_shared:nan",
                "tosa_shared:",
                "evit:0.5,0.5",
                ":0.5",
                "deit:0.5",
                "tosa_shared:a",
                "tosa_shared:0.5,0.5",
                "transformers:foo",
                "depth-anything-v2-small",
                "nothing:0.5",
                "evit:-1",
                "tosa_per_head:inf",
            ],
            "--task": CHOICE,
            "--model": CHOICE,
            "--rounds": COUNT,
            "--dtype": [*CHOICE, "float64"],
            "--weights": FILE,
            "--images": FILE,
            "--device": DEVICE,
            "--selector-layers": ["3", "-1", "foo", "1.5"],
            "--train": [None],
            "--compile": CHOICE,
            "--json": JSON,
        },
        (*measure,): {
            "--keep-rates": FRACTION,
            "--selection": CHOICE,
            "--selective-layers": ["", "0", "99", "foo", "1,1"],
            "--device": DEVICE,
            "--weights": FILE,
            "--images": ["nothing.png", "", "empty", "/dev/null"],
            "--model": CHOICE,
            "--input-size": ["224"],
            "--json": JSON,
            "--config": FILE,
        },
        (*prepare,): {"--out": ["out"], "--depth": CHOICE, "--json": JSON, "--nothing": [None]},
        ("prepare-nyu", str(assets.path("nyu_mat"))): {
            "--out": FOLDER,
            "--splits": FILE,
            "--depth": CHOICE,
            "--deep": [None],
        },
        ("models",): {"--json": JSON, "--nothing": [None], "": ["nothing", "x" * 500, "../x"]},
        ("configs",): {"--json": JSON, "--nothing": [None], "": ["nothing"]},
        ("demo",): {"--out": FOLDER, "--max-iters": COUNT},
    }


def _make_places(folder):
    import os

    (folder / "taken").write_text("mine")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")


@case("options", EITHER + "text like 1e3 or an empty name of a device has a meaning for some options")
def that_means_nothing(folder, rng, assets):
    _make_places(folder)
    commands = _commands(assets)
    command = rng.choice([words for words, options in commands.items() for _ in range(1 + len(options) // 4)])
    name = rng.choice(list(commands[command]))
    value = rng.choice(commands[command][name])
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
    commands = _commands(assets)
    command = rng.choice(list(commands))
    argv = list(command)
    for _ in range(rng.randint(2, 4)):
        name = rng.choice([name for name in commands[command] if name])
        value = rng.choice(commands[command][name])
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
