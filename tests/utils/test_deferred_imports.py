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
    heavy = ("torch._dynamo", "mmseg.models", "mmengine.runner", "scipy", "depthkit.engine")
    print([name for name in heavy if name in sys.modules])
"""
    assert run_python(code, str(tmp_path)).endswith("[]")


@pytest.mark.slow
def test_what_was_left_out_works_when_it_is_used():
    """The compiler is the real one, and its stand-ins' names work."""
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
print("done")
"""
    assert run_python(code) == "done"


@pytest.mark.slow
def test_other_imports_and_other_threads_get_the_real_modules():
    code = """
import builtins, sys, threading, types
before = builtins.__import__
import torch
from depthkit.utils.deferred_imports import _compiler_on_demand, _disable, _is_compile_supported
in_torchvision = {"__name__": "torchvision.ops.roi_align"}
statement = "from torch._dynamo.utils import is_compile_supported, counters"
with _compiler_on_demand():
    exec(statement.split(",")[0], in_torchvision)
    assert in_torchvision["is_compile_supported"] is _is_compile_supported
    assert torch.compiler.disable(len).__wrapped__ is len
    assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
    elsewhere = {"__name__": "torchvision.ops.roi_align"}
    thread = threading.Thread(target=exec, args=(statement, elsewhere))
    thread.start()
    thread.join()
    import torch._dynamo
    exec(statement, in_torchvision)
assert builtins.__import__ is before
assert isinstance(torch._dynamo, types.ModuleType) and torch._dynamo is sys.modules["torch._dynamo"]
for names in (elsewhere, in_torchvision):
    assert names["is_compile_supported"] is torch._dynamo.utils.is_compile_supported
    assert names["counters"] is torch._dynamo.utils.counters
assert _is_compile_supported("cpu") == torch._dynamo.utils.is_compile_supported("cpu")
print("done")
"""
    assert run_python(code) == "done"


@pytest.mark.slow
def test_mmengine_has_what_importing_it_alone_gives():
    code = """
import sys
if sys.argv[1] == "depthkit":
    import depthkit.registry
import mmengine.model
print(sorted(mmengine.registry.OPTIMIZERS.module_dict))
"""
    assert run_python(code, "depthkit") == run_python(code, "mmengine")
