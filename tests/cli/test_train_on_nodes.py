"""Training on two nodes, as docs/many_machines.md says it: the script for Slurm, with two nodes on this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from helpers import REPOSITORY, TINY_ROOMS, tool_environment

# What Slurm would do: start the command once on each node, and wait for all of them.
SRUN = """#!/bin/bash
for node in 0 1; do SLURM_NODEID=$node "$@" & done
status=0
for job in $(jobs -p); do wait "$job" || status=$?; done
exit "$status"
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """The environment of a job on two nodes, with stand-ins for Slurm's programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    torchrun = f'#!/bin/bash\nexec {sys.executable} -m torch.distributed.run --local_addr 127.0.0.1 "$@"\n'
    for name, text in {"srun": SRUN, "scontrol": "#!/bin/bash\necho 127.0.0.1\n", "torchrun": torchrun}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    job = {"SLURM_JOB_NODELIST": "node-[0-1]", "SLURM_NNODES": "2", "SLURM_JOB_ID": "7", "PORT": str(port)}
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return tool_environment({**job, "PATH": path, "PROCESSES": "1", "GLOO_SOCKET_IFNAME": "lo"})


@pytest.mark.slow
def test_the_script_for_slurm_trains_on_two_nodes_as_one_process_does(cli, slurm, tmp_path) -> None:
    page = (REPOSITORY / "docs" / "many_machines.md").read_text()
    script = re.search(r"```bash\n(#!/bin/bash.*?)```", page, re.DOTALL)[1]
    # Two nodes of one machine cannot both have the port of the page, nor a running test suite.
    (tmp_path / "train.sbatch").write_text(script.replace(":29500", ":$PORT"))
    config = tmp_path / "tiny.py"
    # The mean over pixels of images of equal size: there the mean of two processes' gradients is that of one.
    config.write_text(TINY_ROOMS.replace('type="ScaleInvariantLogLoss"', 'type="GradientLoss"'))
    alone = cli("train", config, "--out", tmp_path / "one", "--device", "cpu", "--cfg-options", "max_epochs=1")
    assert alone.returncode == 0, alone.stderr
    options = {"CONFIG": str(config), "OUT": str(tmp_path / "two")}
    options["OPTIONS"] = "--device cpu --cfg-options batch_size=1 max_epochs=1"
    job = subprocess.Popen(
        ["bash", str(tmp_path / "train.sbatch")],
        env={**slurm, **options},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = job.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        raise
    assert job.returncode == 0, output
    assert "2 process(es)" in output
    one, two = (
        torch.load(tmp_path / name / "epoch_1.pth", weights_only=False)["state_dict"] for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    assert max((one[key].float() - two[key].float()).abs().max().item() for key in one) < 1e-3
