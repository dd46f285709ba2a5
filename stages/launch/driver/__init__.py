"""The parallel driver: one process owns DVC and gives the commands of stages to workers.

`dvc` holds all that the driver asks of DVC, `locks` and `record` write dvc.lock files, `schedule` says
which stage is next, `pool` and `keeper` run commands, `cluster`, `remote` and `flights` run them on other
machines, and `loop` puts all together.
"""
