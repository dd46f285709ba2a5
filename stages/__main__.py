"""`python -m stages NAME` runs a stage of the pipeline, or a command beside it."""

import sys

from stages.launch import warm

warm.main(sys.argv[1:])
