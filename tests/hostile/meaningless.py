"""Values, as a config spells them, that mean nothing for a setting of a kind."""

COUNT = ["0", "-1", "1.5", "float('nan')", "float('inf')", "'foo'", "None", "[]", "{}", "(1, 2)", "10 ** 30"]
INDEX = [value for value in COUNT if value != "0"]
FRACTION = ["-0.1", "1.1", "2", "float('nan')", "float('inf')", "'foo'", "[]", "{}", "(0.5,)", "-1", "1e400"]
POSITIVE = ["0", "-1", "float('nan')", "float('inf')", "'foo'", "[]", "{}", "(1, 2)"]
NOT_NEGATIVE = [value for value in POSITIVE if value != "0"]
CHOICE = ["'foo'", "''", "3", "[]", "{}", "1.5"]
FLAG = ["'foo'", "2", "[]", "{}", "1.5", "-1", "float('nan')"]
DICT = ["5", "'foo'", "[1]", "1.5", "True"]
STEPS = ["[]", "5", "'foo'", "[5]", "[{}]", "[None]", "[dict(type='nothing')]", "[dict(type=5)]", "[[]]", "True"]
SIZE = [
    "0",
    "(0, 64)",
    "(64,)",
    "(64, 64, 64)",
    "()",
    "'foo'",
    "(-1, 64)",
    "(1.5, 64)",
    "(float('nan'), 1)",
    "{}",
    "None",
]
LAYERS = ["()", "(0, 0)", "(1, 0)", "(-1, 0)", "(0, 99)", "'foo'", "(0.5,)", "{}", "(True, 'a')", "(float('nan'),)"]
RATES = ["0", "-1", "1.5", "float('nan')", "float('inf')", "'foo'", "()", "(0.5,) * 99", "(0.5, 0)", "{}", "(0.5, 'a')"]
PAIR = ["(1,)", "()", "(1, 2, 3)", "(2, 1)", "(float('nan'), 1)", "'foo'", "5", "(0, float('inf'))", "{}", "(-2, -1)"]
TYPE = ["'foo'", "''", "5", "None", "[]", "{}", "'Adam'", "'DepthEstimator.x'"]


def nested(place, value):
    """Return `a = dict(b=dict(c=VALUE))` for the place "a.b.c"."""
    first, *rest = place.split(".")
    for name in reversed(rest):
        value = f"dict({name}={value})"
    return f"{first} = {value}\n"


def train_of(place):
    """Return a training that is long enough for its schedule, so that it ends well if the setting is accepted."""
    epochs = [] if "max_epochs" in place else ["--cfg-options", "max_epochs=3"]
    return ["train", "c.py", "--out", "work", "--device", "cpu", *epochs]
