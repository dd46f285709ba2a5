"""The driver's only way to DVC: every name of DVC's insides that it uses is in this module.

DVC is pinned, and tests/launch/test_driver_dvc.py holds the signatures. The driver has DVC's lock of the
workspace from its start to its end, so no other DVC can take a lock of a path. Therefore the driver does
not ask DVC for locks of paths; it writes their table for others to see, to a copy that is renamed.
"""

import contextlib
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from dvc import rwlock
from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError, _get_stage_hash
from dvc.stage.run import _enforce_cmd_list, _make_cmd, get_executable, prepare_kwargs
from dvc.stage.serialize import to_lockfile
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update
from dvc_data.hashfile.hash_info import HashInfo

from stages.launch import stored
from stages.launch.driver.pool import Command
from stages.tickets import output
from stages.tickets.settings import UserError

FOLDER = Path(".dvc/tmp/run")
"""Folder of the driver's own files, such as the logs of stages."""
FAILURES = (DvcException, OSError, sqlite3.Error)
"""Errors of one stage, such as an output that its command did not make, or a full disk."""


class Look(Enum):
    """The state of a stage after DVC has looked at it."""

    UNCHANGED = "unchanged"
    RESTORED = "from the cache"
    VERIFIED = "without a command"
    """A stage such as a frozen one, whose outputs were hashed."""
    CHANGED = "run"
    """Its command has to run; its outputs have been removed."""


class BusyError(UserError):
    """Raised if another DVC works in this folder; the message is a sentence."""


@dataclass(frozen=True)
class Steps:
    """The stages of a run, in the order in which `dvc repro` would run them, one after another."""

    stages: Sequence[Any]
    needs: dict[Any, list[Any]]
    """The stages of the run that a stage reads from."""


class Project:
    """The DVC repository in the working directory, which belongs to this process alone.

    Args:
        command: what was typed, for others that want the repository.
        pull: whether results may come from the remote, too, as by `dvc repro --pull`.

    Raises:
        BusyError: another DVC or another driver is at work.
    """

    def __init__(self, command: str, pull: bool = False) -> None:
        logging.getLogger("dvc").setLevel(logging.CRITICAL)  # its warnings and progress bars
        self.repo = Repo()
        self.pull = pull
        self.info = {"pid": os.getpid(), "cmd": command}
        self.table = Path(self.repo.tmp_dir, rwlock.RWLOCK_FILE)
        self.note: Callable[[Path, str, str], None]
        try:
            self.repo.lock.lock()
        except LockError:
            self.repo.close()
            raise BusyError("another DVC or driver is at work in this folder") from None

    def change(self, changes: Sequence[str]) -> None:
        """Change params.yaml as `dvc exp run -S` does, before any stage is read."""
        if changes:  # DVC would write the file anew for none, too
            apply_overrides("params.yaml", list(changes))

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Do without DVC's locks of paths in a `with` block; have DVC track files in git after it."""
        locking = rwlock.rwlock
        rwlock.rwlock = lambda *_: contextlib.nullcontext()
        try:
            if self.pull:
                self.repo.stage_cache.pull(None)
            with self.repo.scm_context(quiet=True):
                yield
        finally:
            rwlock.rwlock = locking
            self.hold(())

    def close(self) -> None:
        """Give the workspace back to other DVCs."""
        self.repo.lock.unlock()
        self.repo.close()

    def steps(self, targets: Sequence[str]) -> Steps:
        """Return the stages that targets need; without targets, those that dvc.yaml in this folder needs.

        A target is a stage's name, with or without its file before it and what follows @, or a file.
        """
        graph = get_active_graph(self.repo.index.graph)
        chosen = collect_stages(self.repo, self._addresses(targets) or [PROJECT_FILE])
        ordered = plan_repro(graph, chosen)
        return Steps(ordered, {stage: list(graph.successors(stage)) for stage in ordered})

    def look(self, stage: Any) -> Look:  # noqa: ANN401
        """Find out if a stage has to run; if its results are in a cache, put them into their places."""
        if stage.frozen or not stage.cmd:
            if stage.reproduce() is None:
                return Look.UNCHANGED
            self._note(stage)
            return Look.VERIFIED
        if not stage.changed():
            return Look.UNCHANGED
        self.clean(stage)
        if self._restore(stage):
            self.keep(stage)
            return Look.RESTORED
        stage.save_deps()
        return Look.CHANGED

    def clean(self, stage: Any) -> None:  # noqa: ANN401
        """Remove the outputs of a stage before its command runs."""
        stage.remove_outs(ignore_remove=False, force=False)

    def command(self, stage: Any) -> Command:  # noqa: ANN401
        """Return what DVC would start for a stage, line by line, in its folder and environment."""
        options, shell = prepare_kwargs(stage), get_executable()
        lines = [_make_cmd(shell, line) for line in _enforce_cmd_list(stage.cmd)]
        log = FOLDER / f"{stage.addressing.replace('/', '.').replace(':', '.')}.log"
        return Command(stage.addressing, lines, str(options["cwd"]), options["env"], str(log))

    def keep(self, stage: Any) -> None:  # noqa: ANN401
        """Hash what a stage has made, store it in both caches, and remember its entry for dvc.lock."""
        only_by_git = any(
            not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot)
        )
        self._read_runs(stage, partial(stage.save, run_cache=not only_by_git))
        stage.commit()
        self._note(stage)

    def hold(self, stages: Iterable[Any]) -> None:
        """Write the table of paths that are read and written at the moment, as DVC does."""
        table: dict[str, dict[str, Any]] = {"write": {}, "read": {}}
        for stage in stages:
            table["write"] |= {out.fs_path: self.info for out in stage.outs}
            table["read"] |= {dep.fs_path: [self.info] for dep in stage.deps}
        output.save_text(json.dumps(table), self.table)

    def texts(self) -> dict[str, bytes]:
        """Read params.yaml and every dvc.yaml of the project."""
        files = {Path("params.yaml"), *(Path(stage.relpath) for stage in self.repo.index.stages)}
        return {str(file): file.read_bytes() for file in sorted(files) if file.exists()}

    def track(self, file: Path) -> None:
        """Have DVC add a file to git at the end, if `core.autostage` asks for it."""
        self.repo.scm_context.track_file(str(file))

    def _note(self, stage: Any) -> None:  # noqa: ANN401
        if isinstance(stage, PipelineStage):
            self.note(lock_of(stage), stage.name, entry(stage))
        else:
            stage.dump(update_pipeline=False)

    # --- what DVC leaves open ----------------------------------------------------------------

    def _restore(self, stage: Any) -> bool:  # noqa: ANN401
        """Take the results of a stage from the cache or from the cache of runs, if they are there."""
        if self._is_restored(stage):
            return True
        if not all(out.hash_info for out in stage.outs):
            return False
        # DVC has looked for the outputs that dvc.lock names, which may come from another machine. Only if
        # dvc.lock names none, DVC looks into the cache of runs.
        for out in stage.outs:
            out.hash_info = HashInfo()
        return self._is_restored(stage)

    def _is_restored(self, stage: Any) -> bool:  # noqa: ANN401
        try:
            restore = partial(self.repo.stage_cache.restore, stage, pull=self.pull)
            self._read_runs(stage, restore)
        except RunCacheNotFoundError:
            return False
        return True

    def _read_runs(self, stage: Any, read: Callable[[], object]) -> None:  # noqa: ANN401
        """Read the cache of runs; once more without the runs of a stage if DVC fails on these."""
        try:
            read()
        except (TypeError, KeyError):  # an empty folder, as a kill leaves it, or a file that is cut
            folder = self.repo.stage_cache._get_cache_dir(_get_stage_hash(stage))
            if not stored.remove_no_run(Path(folder)):
                raise
            read()

    def _addresses(self, targets: Sequence[str]) -> list[str]:
        """Return DVC's addresses of targets, of which those in other files may lack the file's name."""
        named: dict[str, list[str]] = {}
        for stage in self.repo.index.stages:
            if isinstance(stage, PipelineStage):
                for name in {stage.name, stage.name.split("@")[0]}:
                    named.setdefault(name, []).append(stage.addressing)
        return [address for target in targets for address in named.get(target, [target])]


# --- dvc.lock --------------------------------------------------------------------------------


def names(stages: Iterable[Any]) -> list[str]:
    """Return the names of the stages that have entries in a dvc.lock."""
    return [stage.name for stage in stages if isinstance(stage, PipelineStage)]


def lock_of(stage: Any) -> Path:  # noqa: ANN401
    """Return the dvc.lock that has the entry of a stage."""
    return Path(os.path.relpath(stage.path)).with_suffix(".lock")


def entry(stage: Any) -> str:  # noqa: ANN401
    """Write the entry of a finished stage as it stands in dvc.lock."""
    return str(dumps_yaml({"stages": to_lockfile(stage)})).removeprefix("stages:\n")


def rewritten(text: str, file: Path) -> str:
    """Return the text of a dvc.lock as DVC would write it again."""
    return str(dumps_yaml(parse_yaml_for_update(text, file)))
