"""The training engine on a GPU: tests, a benchmark, and one command for a machine without network."""
