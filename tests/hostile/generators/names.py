"""Names of files and folders that no one expects."""

import os

from ..case import ACCEPTED, EITHER, Attempt, case

NAMES = (
    "a b", " a", "a ", "-a", "--out", "-", ".a", "..a", "a.", "a..", "a\nb", "a\tb", "a\rb", "a\x1b[31mb", "a\x07",
    "ä", "日本語", "🙂", "\u202eabc",
    "a\u0301", "é", "%s%d", "{0}", "{a}", "$HOME", "`id`", "$(id)", "a;b", "a|b", "a&b", "a'b", 'a"b', "a\\b", "[a]",
    "a*", "a?", "**", "~", "~root",
    "a#1", "#", "a:b", "c:", "a=b", "a,b", "con", "nul", "a.png", "a.npy", "a_colored", "a_depth", "\udcff",
    "\udc80\udcfe", "\x01", "\x7f", "a\u2028b",
    "None", "0", "nan", "@file", "+", "!", "a%00", "..", "...", "a\u0000"[:1], "\ufeffa", "＼", "x.tar.gz",
)  # fmt: skip


def _name(rng, longest=200):
    way = rng.randrange(4)
    if way == 0:
        return rng.choice(["x", "ü", "日", "🙂", "\udcff"]) * rng.randint(1, 60)
    if way == 1:
        text = "".join(
            chr(rng.choice([*range(1, 47), *range(48, 128), *range(0xDC80, 0xDD00)])) for _ in range(rng.randint(1, 40))
        )
        return text if text.strip(".") else "a"
    return rng.choice([name for name in NAMES if name.strip(".")])


@case("names", EITHER + "the name begins with a minus or is that of another option")
def of_an_image(folder, rng, assets):
    name = f"{_name(rng)}.png"
    os.link(assets.path("image.png"), folder / name)
    where = rng.choice([name, f"./{name}", str(folder / name), "."])
    return Attempt(assets.predict(where), statuses=(2,) if where.startswith("-") else (0,))


@case("names", ACCEPTED + "the longest results fit or are refused for that image alone")
def as_long_as_can_be(folder, rng, assets):
    assets.copy("image.png", folder)
    length = rng.randint(225, 251)
    letter = rng.choice(["x", "ü", "日"])
    stem = letter * (length // len(letter.encode()))
    os.link(folder / "image.png", folder / f"{stem}.png")
    fits = len(stem.encode()) <= 255 - len("_colored.png")
    return Attempt(assets.predict("."), statuses=(0,) if fits else (1,))


@case("names", ACCEPTED + "a terminal that cannot show a name shows its code")
def on_a_terminal_without_utf8(folder, rng, assets):
    name = f"{_name(rng).lstrip('-') or 'a'}.png"
    os.link(assets.path("image.png"), folder / name)
    encoding = rng.choice(["ascii", "latin-1", "cp1252", "utf-8", "koi8-r"])
    return Attempt(assets.predict(f"./{name}"), env={"PYTHONIOENCODING": encoding})


@case("names", EITHER + "a file has that name already, or it begins with a minus")
def of_results(folder, rng, assets):
    name = _name(rng)
    image, weights = str(assets.path("image.png")), str(assets.weights)
    argv = rng.choice(
        [
            ["predict", image, "--weights", weights, "--out", name],
            ["predict", image, "--weights", weights, "--out", "out", "--json", name],
            ["test", weights, "--json", name],
            ["test", weights, "--save-dir", name],
            ["export-weights", weights, "--out", f"{name}.safetensors"],
            ["tokens", image, "--weights", weights, "--out", name],
            ["configs", "--json", name],
            ["prepare-nyu", str(assets.path("nyu_mat")), "--out", name],
        ]
    )
    return Attempt(argv, statuses=(0, 2))


@case("names", EITHER + "the name begins with a minus or has another suffix")
def of_inputs(folder, rng, assets):
    name = _name(rng)
    image = str(assets.path("image.png"))
    os.link(assets.weights, folder / f"{name}.pth")
    (folder / f"{name}.py").write_bytes(assets.config.read_bytes())
    argv = rng.choice(
        [
            ["predict", image, "--weights", f"{name}.pth", "--out", "out"],
            ["test", f"{name}.pth"],
            ["test", f"./{name}.pth", "--config", f"./{name}.py"],
            ["export-weights", f"./{name}.pth", "--out", "a.safetensors"],
            ["export-weights", f"{name}.pth"],
            ["tokens", image, "--weights", f"./{name}.pth", "--out", "out"],
        ]
    )
    return Attempt(argv, statuses=(0, 2))


@case("names", EITHER + "the name begins with a minus")
def of_a_training(folder, rng, assets):
    name = _name(rng)
    (folder / f"{name}.py").write_text(
        f"_base_ = {str(assets.config)!r}\nmax_epochs = 1\ntrain_cfg = dict(max_epochs=1)\n"
    )
    return Attempt(
        ["train", f"{rng.choice(['', './'])}{name}.py", "--device", "cpu", *rng.choice([[], ["--out", name]])],
        statuses=(0, 2),
    )


@case("names", EITHER + "some of the images have a name of their own")
def of_a_data_set(folder, rng, assets):
    assets.copy("rgbd", folder)
    name = _name(rng)
    for part in ("rgb", "depth"):
        (folder / "rgbd" / part / "0.png").rename(folder / "rgbd" / part / f"{name}.png")
    data = "type='RGBDFolder', data_root='rgbd', depth_scale=1000, split='all'"
    return Attempt([*assets.test_on(folder, data), "--save-dir", "out"], statuses=(0, 2))


@case("names")
def among_the_images(folder, rng, assets):
    assets.copy("image.png", folder)
    (folder / "sub").mkdir()
    pairs = [
        (".", "."),
        (".", "../in"),
        ("*.png", "."),
        ("**/*.png", "sub"),
        ("./*", "."),
        (str(folder), "."),
        ("i*e*.png", "."),
        ("sub/..", "."),
    ]
    images, out = rng.choice(pairs)
    weights = str(assets.weights)
    return rng.choice(
        [
            ["predict", images, "--weights", weights, "--out", out],
            ["tokens", images, "--weights", weights, "--out", out],
        ]
    )


@case("names")
def taken_by_something_else(folder, rng, assets):
    image, weights = str(assets.path("image.png")), str(assets.weights)
    (folder / "out").mkdir()
    name = rng.choice(["image_colored.png", "image_depth.png", "image_depth.npy"])
    if rng.random() < 0.5:
        (folder / "out" / name).mkdir()
    else:
        os.mkfifo(folder / "out" / name)
    return ["predict", image, "--weights", weights, "--out", "out"]
