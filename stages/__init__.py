"""The stages of the pipeline."""

import os

# Threads that wait for each other spin for some microseconds, then sleep. Sleeping at once makes a
# step of MiniLM on two cores a quarter slower; spinning on made one 80 times as slow when another
# process was busy.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
