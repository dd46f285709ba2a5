"""Run a stage in a fork of a process that has torch and transformers loaded already.

`python -m stages fine_tune --task rte ...` does what `python -m stages.fine_tune --task rte ...`
does. Importing the two libraries takes 4 to 10 seconds on two cores, longer than a training of the
miniature. So the first call leaves a process behind that has imported them, but nothing of this
project. Later calls ask it for a fork, hand over their own standard streams, environment and working
directory, and wait for the exit code. (A variable that a library reads when it is imported, such as
OMP_NUM_THREADS, has its value in the first call, unless `numerics` sets it.) The process ends after
IDLE_SECONDS without work.

Stages run without a fork if there is an NVIDIA GPU (its driver does not survive one), outside Linux, and
with SCRATCHCARD_WARM=0 in the environment.
"""

import contextlib
import fcntl
import hashlib
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from stages.launch import numerics

PARAMS = Path("params.yaml")
IDLE_SECONDS = 30
START_SECONDS = 120
LIBRARIES = (
    "torch",
    "torch._dynamo",
    "safetensors.torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",
    "sklearn.linear_model",
    "pandas",
    "pydantic",
    "ruamel.yaml",
    "tokenizers",
    "tqdm",
    "typer",
)


LIGHT = (
    "check",
    "code",
    "reference_masks",
    "super_survivors",
    "stability",
    "survival",
    "score",
    "report",
)
"""Scripts that need neither torch nor transformers, so they start as fast without a fork."""


def main(command: list[str]) -> None:
    """Run the stage or the command that the first word of `command` names."""
    if not command or command[0] in ("--help", "-h"):
        print("usage: python -m stages NAME [OPTION]...\n\n" + "\n".join(sorted(modules())))
        sys.exit(0 if command else 2)
    module = modules().get(command[0])
    if module is None:
        print(
            f"no stage or command is called {command[0]!r}, there are: {', '.join(modules())}",
            file=sys.stderr,
        )
        sys.exit(2)
    if ".commands." not in module:
        numerics.prepare(PARAMS)
    if ".commands." in module or command[0] in LIGHT or not may_fork():
        run_stage(command)
    else:
        sys.exit(ask(command))


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
    return wanted and sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


def run_stage(command: list[str]) -> None:
    """Run the module of a stage or a command as `python -m` would."""
    name, *options = command
    sys.argv = [name, *options]
    runpy.run_module(modules()[name], run_name="__main__", alter_sys=True)


# --- the asking side -------------------------------------------------------------------------


def ask(command: list[str]) -> int:
    """Have the warm process run a stage; return its exit code.

    If this process ends first, the stage ends too.
    """
    with connect() as connection:
        streams = [stream.fileno() for stream in (sys.stdin, sys.stdout, sys.stderr)]
        variables = [f"{name}={value}" for name, value in os.environ.items()]
        parts = [str(Path.cwd()), str(len(command)), *command, *variables]
        message = "\0".join(parts).encode(errors="surrogateescape")
        socket.send_fds(connection, [struct.pack("!I", len(message))], streams)
        connection.sendall(message)
        code = connection.recv(1)
    if not code:
        print(f"{command[0]}: the process was killed", file=sys.stderr)
        return 1
    return code[0]


def connect() -> socket.socket:
    """Connect to the warm process of this project and environment; start it if there is none."""
    address = place()
    with (address.with_suffix(".lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = try_connect(address)
        if connection:
            return connection
        address.unlink(missing_ok=True)
        server = subprocess.Popen(
            [sys.executable, "-m", "stages.launch.warm", "--serve", str(address)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            connection = try_connect(address)
            if connection:
                return connection
            time.sleep(0.05)
    raise SystemExit("the warm process did not start; SCRATCHCARD_WARM=0 does without it")


def try_connect(address: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        return None
    return connection


def place() -> Path:
    """Return the socket's path: one per user, project folder, environment and state of its packages."""
    folder = Path(tempfile.gettempdir()) / f"scratchcard-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise SystemExit(
            f"{folder} is not private to this user; SCRATCHCARD_WARM=0 does without it"
        )
    packages = Path(os.__file__).parent if sys.prefix == sys.base_prefix else Path(sys.prefix)
    state = [str(Path.cwd()), sys.executable, str(packages.stat().st_mtime_ns)]
    state += [str(path.stat().st_mtime_ns) for path in map(Path, sys.path) if path.is_dir()][1:]
    state += [numerics.asked(PARAMS), __doc__ or "", Path(__file__).read_text(encoding="utf-8")]
    return folder / hashlib.sha256("\0".join(state).encode()).hexdigest()[:16]


# --- the warm process ------------------------------------------------------------------------


def serve(address: Path) -> None:
    """Import the libraries, then fork a child for every connection until there is no more work."""
    listener = socket.socket(socket.AF_UNIX)
    for library in LIBRARIES:
        __import__(library)
    listener.bind(str(address))
    listener.listen()
    listener.settimeout(1)
    children: set[int] = set()
    last_used = time.monotonic()
    while time.monotonic() - last_used < IDLE_SECONDS:
        for child in list(children):
            if os.waitpid(child, os.WNOHANG)[0]:
                children.remove(child)
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            last_used = time.monotonic() if children else last_used
            continue
        child = os.fork()
        if child == 0:
            listener.close()
            answer(connection)
        children.add(child)
        connection.close()
        last_used = time.monotonic()
    address.unlink(missing_ok=True)


def answer(connection: socket.socket) -> None:
    """Take over streams, environment and folder of the asker, run the stage, and end this fork."""
    os.setsid()
    header, streams, _, _ = socket.recv_fds(connection, 4, 3)
    message = b""
    while len(message) < struct.unpack("!I", header)[0]:
        chunk = connection.recv(1 << 16)
        if not chunk:  # the asker is gone
            os._exit(1)
        message += chunk
    folder, num, *rest = message.decode(errors="surrogateescape").split("\0")
    command, variables = rest[: int(num)], rest[int(num) :]
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(dict(variable.split("=", 1) for variable in variables))
    os.chdir(folder)
    for name in [name for name in sys.modules if name.split(".")[0] == "stages"]:
        del sys.modules[name]
    threading.Thread(target=end_with, args=(connection,), daemon=True).start()
    code = 1
    try:
        run_stage(command)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  this is the last frame: report and end
        sys.excepthook(*sys.exc_info())
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(OSError):
        connection.sendall(bytes([code % 256]))
    os._exit(code)


def end_with(connection: socket.socket) -> None:
    """Wait until the asker is gone, then kill this process and all that it has started."""
    connection.recv(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve(Path(sys.argv[2]))
