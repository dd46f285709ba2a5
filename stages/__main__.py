"""`python -m stages NAME` runs a stage of the pipeline, or a command beside it."""

import signal
import sys

from stages.launch import warm

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends this process without a traceback
warm.main(sys.argv[1:])
