"""Run a stage in a fork of a process that has torch and transformers loaded already.

`python -m stages fine_tune --task rte ...` does what `python -m stages.fine_tune --task rte ...`
does. Importing the two libraries takes 4 to 10 seconds on two cores, longer than a training of the
miniature. So the first call leaves a process behind that has imported them, but nothing of this
project. Later calls ask it for a fork, hand over their own standard streams, environment, working
directory, cores and umask, and wait for the exit code. (A variable that a library reads when it is
imported, such as OMP_NUM_THREADS, has its value in the first call, unless `numerics` sets it.) The
process ends after half a minute without work.

Stages run without a fork if there is an NVIDIA GPU (its driver does not survive one), outside Linux, with
SCRATCHCARD_WARM=0 in the environment, and if the warm process does not answer. Stages of the next minutes
then wait for it no longer than a moment, and say nothing.
"""

import contextlib
import difflib
import hashlib
import os
import runpy
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from stages.launch import numerics, orphans

PARAMS = Path("params.yaml")
START_SECONDS = 120
FAILED = Path(".dvc/tmp/warm-failed")
"""File with the name of the warm process that last did not answer."""
FAILED_SECONDS = 600
"""Time after such a failure in which stages wait AGAIN_SECONDS at most."""
AGAIN_SECONDS = 2
LIGHT = (
    "check",
    "code",
    "reference_masks",
    "newcomers",
    "super_survivors",
    "stability",
    "survival",
    "score",
    "report",
)
"""Scripts that need neither torch nor transformers, so they start as fast without a fork."""


def main(command: list[str]) -> None:
    """Run the stage or the command that the first word of `command` names.

    If DVC has started this process, it ends with DVC, however DVC ends.
    """
    orphans.end_with_dvc()
    if not command or command[0] in ("--help", "-h"):
        from stages.launch import listing  # noqa: PLC0415  for this alone

        print(listing.text(modules(), Path(__file__).parents[2]))
        sys.exit(0 if command else 2)
    module = modules().get(command[0])
    if module is None:
        names = sorted(modules())
        close = difflib.get_close_matches(command[0], names, 1)
        meant = f"; did you mean {close[0]}?" if close else f", there are: {', '.join(names)}"
        print(f"no stage or command is called {command[0]!r}{meant}", file=sys.stderr)
        sys.exit(2)
    mode = numerics.asked(PARAMS)
    lost = [] if ".commands." in module else numerics.prepare(mode)
    if lost and command[0] == "check":  # once a run
        print(f"numerics is portable, so this does not count: {' '.join(lost)}", file=sys.stderr)
    if ".commands." in module or command[0] in LIGHT or not may_fork():
        run_stage(command)
    else:
        sys.exit(ask(command, name(mode)))


def modules() -> dict[str, str]:
    """Return the modules of all stages and commands by their names on the command line."""
    scripts = Path(__file__).parents[1]
    return {
        file.stem: ".".join(("stages", *file.relative_to(scripts).with_suffix("").parts))
        for file in sorted((*scripts.glob("*.py"), *scripts.glob("commands/*.py")))
        if not file.stem.startswith("_")
    }


def may_fork() -> bool:
    wanted = os.environ.get("SCRATCHCARD_WARM", "1") != "0"
    return wanted and sys.platform == "linux" and not has_gpu()


def has_gpu() -> bool:
    """Tell whether there is an NVIDIA GPU that stages may use."""
    return Path("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != ""


def run_stage(command: list[str]) -> None:
    """Run the module of a stage or a command as `python -m` would."""
    sys.argv = list(command)
    with contextlib.ExitStack() as stack:
        if "DVC_STAGE" in os.environ:
            from stages.launch import guard  # noqa: PLC0415  in the fork, not in the warm process

            stack.enter_context(guard.watching(command))
        runpy.run_module(modules()[command[0]], run_name="__main__", alter_sys=True)


# --- the asking side -------------------------------------------------------------------------


def ask(command: list[str], own: str) -> int:
    """Have the warm process of this name run a stage, and return its exit code; else run it here.

    If this process ends first, the stage ends too.
    """
    failed = has_failed(own)
    connection = reach(own, AGAIN_SECONDS if failed else START_SECONDS)
    if isinstance(connection, str):
        if not failed:
            print(
                f"{command[0]}: the warm process {connection}, so stages start without it until it does",
                file=sys.stderr,
            )
            with contextlib.suppress(OSError):
                FAILED.write_text(own, encoding="utf-8")
        run_stage(command)
        return 0
    code = b""
    with connection, contextlib.suppress(OSError):
        streams = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
        variables = [f"{name}={value}" for name, value in os.environ.items()]
        cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        os.umask(mask := os.umask(0o077))
        parts = [str(Path.cwd()), cores, str(mask), str(len(command)), *command, *variables]
        message = "\0".join(parts).encode(errors="surrogateescape")
        socket.send_fds(connection, [struct.pack("!I", len(message))], streams)
        connection.sendall(message)
        code = connection.recv(1)
    if not code:
        print(f"{command[0]}: the process was killed", file=sys.stderr)
        return 1
    return code[0]


def has_failed(own: str) -> bool:
    """Tell whether the warm process of this name did not answer in the last FAILED_SECONDS."""
    try:
        is_recent = time.time() - FAILED.stat().st_mtime < FAILED_SECONDS
        return is_recent and FAILED.read_text(encoding="utf-8") == own
    except OSError:
        return False


def reach(own: str, seconds: float) -> socket.socket | str:
    """Connect to the warm process of this project, which is started if there is none.

    The warm process greets before it hears what to run. So if there is no greeting, for example because
    it ended in this moment after it had been idle, nothing has begun, and this process asks once more.

    Returns:
        A connection; what went wrong if there was no greeting twice, or within `seconds`.
    """
    deadline = time.monotonic() + seconds
    errors = os.memfd_create("errors")  # which Linux keeps as long as the warm process has it
    for _ in range(2):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            connection = stack.enter_context(connect(own, deadline, errors))
            connection.settimeout(max(deadline - time.monotonic(), 0.01))
            if is_own(connection) and connection.recv(1):
                connection.settimeout(None)
                stack.pop_all()
                os.close(errors)
                return connection
    printed = os.pread(errors, os.fstat(errors).st_size, 0).decode(errors="replace")
    os.close(errors)
    ended = "Traceback (most recent call last)" in printed
    return f"did not answer ({printed.splitlines()[-1]})" if ended else "did not answer"


def connect(own: str, deadline: float, errors: int) -> socket.socket:
    """Connect to the process that has the name `own`; start it if there is none, with this stderr."""
    server: subprocess.Popen[bytes] | None = None
    while True:
        gave_up = time.monotonic() > deadline or (server and server.poll() is not None)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(f"\0{own}")
        except OSError:
            connection.close()
            if gave_up:
                raise
        else:
            return connection
        server = server or subprocess.Popen(
            [sys.executable, "-m", "stages.launch.server", own],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        time.sleep(0.02)


def name(mode: str) -> str:
    """Return the name of the socket: one per user, project folder, packages as they are, and numerics.

    Linux keeps such a name in memory, so no file is left behind, and one process at most has it.
    """
    packages = Path(os.__file__).parent if sys.prefix == sys.base_prefix else Path(sys.prefix)
    state = [str(Path.cwd()), sys.executable, str(packages.stat().st_mtime_ns)]
    state += [str(path.stat().st_mtime_ns) for path in map(Path, sys.path) if path.is_dir()][1:]
    sources = (Path(__file__).with_name(f"{part}.py") for part in ("server", "warm"))
    state += [source.read_text(encoding="utf-8") for source in sources]
    containers = Path("/proc/self/ns/mnt").readlink()  # which may share names, but no files
    state += [str(os.getuid()), str(containers), mode]
    return f"scratchcard-{hashlib.sha256(chr(0).join(state).encode()).hexdigest()[:16]}"


def is_own(connection: socket.socket) -> bool:
    """Tell whether the process at the other end belongs to the same user; anybody can take a name."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", peer)[1] == os.getuid())
