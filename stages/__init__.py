"""The stages of the pipeline."""

import os

# Threads that wait for each other sleep instead of spinning. Spinning is a little faster on an idle
# machine, but with one other busy process on two cores a training step took 80 times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
