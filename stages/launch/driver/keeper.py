"""The keeper of a command: it runs the lines of one stage, and kills them if nobody waits for them.

It is a program of its own that needs the standard library alone. The worker that starts it makes it
the leader of a session, and so of a group of processes, and holds a pipe to it. The pipe closes when the
worker ends, however that happens; then the keeper kills its group: the shell, the stage, and all that
these have started. Lines run as DVC runs them: each in a shell of its own, up to the first that fails.
"""

import json
import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Run what the first line of stdin describes, as `pool.Command` writes it; print the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it without a traceback, as other signals do
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_worker, daemon=True).start()
    if request["cores"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, request["cores"])
    code = 0
    with open(request["log"], "wb", buffering=0) as log:  # noqa: PTH123  this starts faster
        for line in request["lines"]:
            log.write(f"> {line if isinstance(line, str) else line[-1]}\n".encode(errors="replace"))
            code = subprocess.call(
                line,
                cwd=request["cwd"],
                env=request["env"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            if code:
                break
    print(code, flush=True)
    os.killpg(0, signal.SIGKILL)  # what the command has left behind


def end_with_worker() -> None:
    """Wait for the end of the pipe, then kill the group."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
