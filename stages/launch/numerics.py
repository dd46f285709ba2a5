"""The same bytes on every x86-64 Linux processor with AVX2, if params.yaml says `numerics: portable`.

Libraries look at the processor and choose among kernels that round differently. `prepare` tells them by
their environment variables, before they are imported, to take those for AVX2, which every such processor
of the last ten years has, one thread, and no GPU. `hold` looks whether they obey, and exchanges some
kernels of torch. This module needs the standard library alone, since it runs before all others.
"""

import os
import platform
import re
import sys
from pathlib import Path

PORTABLE = "portable"
VARIABLES = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # all that MKL promises for processors of other makers
    "NPY_ENABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",  # a GPU rounds in its own way
}
FORBIDDEN = (
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
)
"""Variables that contradict the others: numpy does not start with both of its own, and oneDNN prefers its
new name for DNNL_MAX_CPU_ISA, and may be told to compute in bfloat16."""
FLAGS = frozenset({"avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"})
"""What the processor must have, in the words of /proc/cpuinfo: x86-64-v3."""
CPUINFO = Path("/proc/cpuinfo")


class NumericsError(ValueError):
    """Raised if results would depend on the processor; the message says why and what to do."""


def asked(params: Path) -> str:
    """Return what a params file says of numerics; empty if it says nothing or does not exist.

    A line is looked for, since parsing takes longer than all else that starts a stage. A file that has
    the key elsewhere, such as JSON, is parsed; `check` says what is wrong with the others.
    """
    try:
        text = params.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    line = re.search(r"""(?m)^["']?numerics["']?\s*:\s*["']?(\w+)""", text)
    if line:
        return line[1]
    from ruamel.yaml import YAML  # noqa: PLC0415  slow
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        sections = YAML(typ="safe").load(text)
    except YAMLError:
        return ""
    return str(sections.get("numerics", "")) if isinstance(sections, dict) else ""


def prepare(mode: str) -> list[str]:
    """Set the environment that a mode asks for; numpy and torch must not be imported yet.

    Args:
        mode: what `asked` returns.

    Returns:
        What the user's environment says otherwise, as NAME=VALUE; it does not count any more.
    """
    if mode != PORTABLE:
        return []
    lost = [
        f"{name}={os.environ[name]}"
        for name in (*VARIABLES, *FORBIDDEN)
        if os.environ.get(name, VARIABLES.get(name)) != VARIABLES.get(name)
    ]
    os.environ.update(VARIABLES)
    for name in FORBIDDEN:
        os.environ.pop(name, None)
    return lost


def hold(params: Path) -> str:
    """Make sure that results of this process are portable if `params` asks for it.

    Call it after all imports and before any work.

    Returns:
        The mode in which this process computes from now on, as `asked` returns it.

    Raises:
        NumericsError: the processor, the device or the way in which this process was started is wrong.
    """
    mode = asked(params)
    if mode != PORTABLE:
        return mode
    reason = unfit() or _started_wrongly()
    if reason:
        raise NumericsError(reason)
    if "torch" in sys.modules:
        from stages.launch import kernels  # noqa: PLC0415  it imports torch

        kernels.use_portable()
    return mode


def unfit() -> str | None:
    """Return a sentence on why this machine has no portable numerics; None if it has."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        lacking = f"is not x86-64 Linux but {platform.machine()} {platform.system()}"
    else:
        flags = re.search(r"(?m)^flags\s*:(.*)$", CPUINFO.read_text(encoding="utf-8"))
        missing = sorted(FLAGS.difference(flags[1].split() if flags else ()))
        if not missing:
            return None
        lacking = f"lacks {', '.join(missing)}"
    return (
        f"numerics is 'portable' in params.yaml, but this processor {lacking}; "
        "with 'fast' the study runs, and its last digits depend on the processor"
    )


def _started_wrongly() -> str | None:
    """Return a sentence on libraries that were loaded under another environment; None if none was."""
    wrong = [name for name, value in VARIABLES.items() if os.environ.get(name) != value]
    wrong += [name for name in FORBIDDEN if name in os.environ]
    numpy = sys.modules.get("numpy")
    if numpy and not wrong:
        features = numpy._core._multiarray_umath.__cpu_features__
        extra = set(numpy._core._multiarray_umath.__cpu_dispatch__) - {"X86_V3"}
        wrong = [name for name in extra if features[name]]
        wrong += [] if features["X86_V3"] else ["no X86_V3"]
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        wrong = ["a GPU"]
    if torch and not wrong and torch.backends.cpu.get_cpu_capability() != "AVX2":
        wrong = ["torch"]
    if not wrong:
        return None
    return (
        "numerics is 'portable' in params.yaml, which has to be known before numpy and torch are "
        f"imported (see {', '.join(sorted(wrong))}); run `python -m stages NAME`, or set it to 'fast'"
    )
