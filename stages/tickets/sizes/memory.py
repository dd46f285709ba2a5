"""The memory that a model takes in a process of its own, from its folder on."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from stages.tickets.settings import UserError

STATUS = Path("/proc/self/status")
PROGRAM = """\
import importlib
import re
import sys

import numpy, safetensors.torch, torch, transformers


def kilobytes(name):
    with open("/proc/self/status") as file:
        return int(re.search(rf"(?m)^{name}:\\s*([0-9]+) kB", file.read())[1])


code, module, examples, tokens, threads = sys.argv[1:]
if module.startswith("transformers."):
    importlib.import_module(module)
torch.set_num_threads(int(threads))
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak starts anew
start, scope = kilobytes("VmRSS"), {}
exec(code, scope)
ids = torch.ones(int(examples), int(tokens), dtype=torch.long)
with torch.inference_mode():
    scope["model"](input_ids=ids, attention_mask=torch.ones_like(ids))
print(kilobytes("VmHWM") - start)
"""
"""Python that prints the most memory, in kibibytes, beyond what the libraries take."""


def peak(
    save: Callable[[Path], None], code: str, module: str, shape: tuple[int, int, int]
) -> float:
    """Measure the peak memory of loading a model and of one pass, beyond its libraries.

    Args:
        save: writes the model to a new folder.
        code: Python that loads it there as `model`.
        module: module of the model's class, which is imported before the start.
        shape: examples, tokens of each, and threads.

    Returns:
        Megabytes (10^6 bytes).

    Raises:
        UserError: the system is not Linux, or the process failed; the message has its last line.
    """
    if not STATUS.exists():
        raise UserError(f"{STATUS} does not exist, and peak memory is read there, on Linux alone")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        folder.mkdir()
        save(folder)
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, code, module, *map(str, shape)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        last = run.stderr.strip().splitlines() or ["it was killed"]
        raise UserError(f"a process that loads a form of the model failed: {last[-1]}")
    return int(run.stdout.split()[-1]) * 1024 / 1e6
