"""Each test runs in a process of its own, because modules stay imported."""

import subprocess
import sys

import pytest


def run_python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_prediction_imports_neither_the_compiler_nor_the_trainer(tmp_path):
    code = """
import sys, matplotlib
photo = matplotlib.get_data_path() + "/sample_data/grace_hopper.jpg"
sys.argv = ["depthkit", "predict", photo, "--out", sys.argv[1]]
import depthkit.cli.main
try:
    depthkit.cli.main.main()
finally:
    heavy = ("torch._dynamo", "transformers", "mmseg.models", "mmengine.runner", "scipy", "depthkit.engine")
    print([name for name in heavy if name in sys.modules])
"""
    assert run_python(code, str(tmp_path)).endswith("[]")


@pytest.mark.slow
def test_what_was_left_out_works_when_it_is_used():
    """The compiler is the real one, its stand-ins' names work, and a training has all optimizers."""
    code = """
import sys
from depthkit.registry import MODELS
assert "torch._dynamo" not in sys.modules and "mmseg.models" not in sys.modules
import torch
from depthkit.utils.deferred_imports import _disable
assert _disable(lambda x: x + 1)(1) == 2 and _disable(recursive=False)(abs)(-1) == 1
assert sys.modules["torchvision.ops.roi_align"].is_compile_supported("cpu") in (True, False)
assert torch.equal(torch.compile(torch.neg, backend="eager")(torch.ones(2)), -torch.ones(2))
assert isinstance(sys.modules["torch._dynamo"].__spec__.name, str)
assert MODELS.get("SwinTransformer").__module__.startswith("mmseg")
import depthkit.engine, mmengine.registry
try:
    import transformers
except ImportError:
    pass
else:
    assert "Adafactor" in mmengine.registry.OPTIMIZERS
print("done")
"""
    assert run_python(code) == "done"


@pytest.mark.slow
def test_an_import_of_another_name_gets_the_real_compiler():
    code = """
import sys
from depthkit.utils.deferred_imports import _compiler_on_demand, _hidden
with _compiler_on_demand():
    from torch._dynamo.utils import is_compile_supported
    assert type(sys.modules["torch._dynamo"]).__name__ == "_Deferred"
    from torch._dynamo.utils import counters
    from torch._dynamo import config
import torch._dynamo
assert torch._dynamo.utils.counters is counters and torch._dynamo.config is config
assert is_compile_supported("cpu") == torch._dynamo.utils.is_compile_supported("cpu")
with _hidden("wave"):
    try:
        import wave
    except ImportError:
        print("hidden")
import wave
"""
    assert run_python(code) == "hidden"
