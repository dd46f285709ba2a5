"""The warm process: it has the libraries loaded, and runs each stage in a fork of itself.

`warm` starts it and asks it; it holds nothing of this project but `stages.launch`.
"""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time

from stages.launch import warm

IDLE_SECONDS = 30
LIBRARIES = (
    "torch",
    "torch._dynamo",
    "safetensors.numpy",
    "safetensors.torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.bert.modeling_bert",
    "sklearn.linear_model",
    "pandas",
    "pydantic.main",
    "pydantic.fields",
    "pydantic.type_adapter",
    "pydantic.types",
    "ruamel.yaml",
    "tokenizers",
    "tqdm",
    "typer",
)


def serve(name: str) -> None:
    """Import the libraries, then fork a child for every connection until there is no more work."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(f"\0{name}")
    except OSError:  # another call has started one
        return
    listener.listen()
    for library in LIBRARIES:
        __import__(library)
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
        last_used = time.monotonic()
        if warm.is_own(connection):
            child = os.fork()
            if child == 0:
                listener.close()
                answer(connection)
            children.add(child)
        connection.close()


def answer(connection: socket.socket) -> None:
    """Take over streams, environment, folder, cores and umask of the asker, run the stage, and end."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as every process of a stage
    try:
        connection.sendall(b"!")
        header, streams, _, _ = socket.recv_fds(connection, 4, 3)
        message = b""
        while len(message) < struct.unpack("!I", header)[0]:
            chunk = connection.recv(1 << 16)
            if not chunk:
                raise ConnectionError
            message += chunk
    except (OSError, struct.error):  # the asker is gone
        os._exit(1)
    folder, cores, mask, num, *rest = message.decode(errors="surrogateescape").split("\0")
    command, variables = rest[: int(num)], rest[int(num) :]
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.environ.clear()
    os.environ.update(dict(variable.split("=", 1) for variable in variables))
    os.chdir(folder)
    os.sched_setaffinity(0, map(int, cores.split(",")))
    os.umask(int(mask))
    for name in [name for name in sys.modules if name.split(".")[0] == "stages"]:
        del sys.modules[name]
    threading.Thread(target=end_with, args=(connection,), daemon=True).start()
    code = 1
    try:
        warm.run_stage(command)
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
    with contextlib.suppress(OSError):
        connection.recv(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve(sys.argv[1])
