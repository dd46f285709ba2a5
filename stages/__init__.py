"""The stages of the pipeline."""

import os

# Threads that wait for each other spin for some microseconds, then sleep. A step of MiniLM on two
# cores is a quarter slower if they sleep at once, and was 80 times as slow if they spun on while
# another process was busy.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
