"""Parts of the driver: texts of dvc.lock, urgency, places, and the cores that a stage is given."""

import io
import os
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, load_yaml

from stages.commands import run as command
from stages.launch.driver import locks, pool, record, schedule
from stages.launch.driver.progress import Progress
from stages.tickets import settings
from stages.tickets.plan import budget, estimate
from stages.tickets.settings import UserError
from tests.imports import ROOT

# --- the text of dvc.lock --------------------------------------------------------------------


def entry(name: str, content: str = "x") -> str:
    return f"  {name}:\n    cmd: {content}\n"


def lock(*names: str) -> str:
    return locks.HEAD + "".join(map(entry, names))


def test_entries_of_committed_locks_are_what_dvc_writes_for_each_alone() -> None:
    files = [ROOT / "dvc.lock", *ROOT.glob("pipeline/*/dvc.lock")]
    for file in files:
        text = file.read_text(encoding="utf-8")
        entries = load_yaml(file)["stages"]
        alone = {
            name: dumps_yaml({"stages": {name: value}}).removeprefix("stages:\n")
            for name, value in entries.items()
        }
        assert locks.split(text) == alone
        assert locks.merge("", alone, [], list(alone)) == text


@pytest.mark.parametrize(
    ("before", "new", "first", "after"),
    [
        ("", "cab", "", "abc"),
        ("zc", "ba", "zc", "zcab"),  # DVC appends
        ("zcb", "ad", "zc", "zcabd"),  # b comes from a run that was killed
        ("cba", "b", "cba", "cba"),
        ("zy", "a", "", "zya"),  # of stages that there are no more
    ],
)
def test_new_entries_stand_where_dvc_would_have_appended_them(
    before: str, new: str, first: str, after: str
) -> None:
    text = lock(*before) if before else ""
    merged = locks.merge(text, {name: entry(name) for name in new}, first, "abcd")
    assert merged == lock(*after)


def test_an_entry_is_exchanged() -> None:
    merged = locks.merge(lock("a", "b"), {"a": entry("a", "new")}, "ab", "ab")
    assert merged == lock("a", "b").replace("x", "new", 1)


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  a:\n    cmd: x\n",
        lock("a") + "datasets: []\n",
        lock("a").rstrip("\n"),
        locks.HEAD + "  a: {cmd: x}\n",
        locks.HEAD + "# by hand\n  a:\n    cmd: x\n",
        locks.HEAD + "  ? a\n  : cmd: x\n",
    ],
)
def test_a_text_that_dvc_has_not_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        locks.split(text)


def test_an_edited_lock_is_read_as_dvc_would_write_it(tmp_path: Path) -> None:
    file = tmp_path / "dvc.lock"
    file.write_text(lock("a") + "datasets: []\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"dvc\.lock is not as DVC writes it: it has the line"):
        record.read(file)
    file.write_text("schema: '2.0'\nstages:\n    a:\n        cmd: x\n", encoding="utf-8")
    assert record.read(file) == (lock("a"), {"a": entry("a")})
    assert record.read(tmp_path / "none") == ("", {})


# --- urgency ---------------------------------------------------------------------------------


def test_the_most_urgent_stage_has_the_longest_way_to_the_end() -> None:
    needs = {"a": [], "b": [], "c": ["b"], "d": ["a", "c"]}
    read_by = schedule.readers(list(needs), needs)
    assert read_by == {"a": ["d"], "b": ["c"], "c": ["d"], "d": []}
    costs = {"a": 2.5, "b": 1, "c": 1, "d": 1}
    assert schedule.urgency(list(needs), read_by, costs) == {"a": 3.5, "b": 3, "c": 2, "d": 1}


def test_seconds_of_a_group_are_those_of_the_plan_times_what_was_measured(tmp_path: Path) -> None:
    planned = {"x/dvc.yaml:train@a": 10.0, "x/dvc.yaml:train@b": 30.0, "new": 4.0, "score": 1.0}
    seconds = schedule.Seconds(tmp_path / "seconds.json", planned)
    assert seconds.estimates(planned) == planned
    seconds.add("x/dvc.yaml:train@a", 5.0)
    assert seconds.estimates(planned) == {name: each / 2 for name, each in planned.items()}
    seconds.add(
        "score", 600.0
    )  # the least of the plan, so nothing follows for groups never measured
    assert list(seconds.estimates(planned).values()) == [5.0, 15.0, 2.0, 600.0]
    seconds.save()
    again = schedule.Seconds(tmp_path / "seconds.json", planned)
    assert again.estimates(planned) == seconds.estimates(planned)
    (tmp_path / "cut.json").write_text('{"score": [6.0', encoding="utf-8")
    assert schedule.Seconds(tmp_path / "cut.json", planned).estimates(planned) == planned
    again.add("x/dvc.yaml:train@b", 60.0)  # in this run, so the earlier one does not count
    assert list(again.estimates(planned).values())[:2] == [20.0, 60.0]


def test_a_round_that_only_prunes_says_nothing_about_rounds_that_train(tmp_path: Path) -> None:
    planned = {"round@1-after0": 1.0, "round@1-after1": 100.0, "round@1-after2": 100.0}
    seconds = schedule.Seconds(tmp_path / "seconds.json", planned)
    seconds.add("round@1-after0", 4.0)
    assert list(seconds.estimates(planned).values()) == [4.0, 100.0, 100.0]
    seconds.add("round@1-after1", 50.0)
    assert list(seconds.estimates(planned).values()) == [4.0, 50.0, 50.0]


def test_seconds_without_a_plan_are_means_of_groups(tmp_path: Path) -> None:
    seconds = schedule.Seconds(tmp_path / "seconds.json", {})
    assert (seconds.are_known, seconds.estimates(["score"])) == (False, {"score": 1.0})
    for number in (1.0, 3.0):
        seconds.add("train@a", number)
    assert seconds.are_known
    assert seconds.estimates(["train@b", "score"]) == {"train@b": 2.0, "score": 2.0}


def test_a_study_is_planned_by_the_trainings_of_its_stages() -> None:
    """Round 0 trains nothing, since `fine-tune` has trained the dense model."""
    content = settings.content(ROOT / "params.yaml")
    study = settings.checked(content, "params.yaml")
    planned = estimate.seconds(study, content, ROOT, "a CPU core, miniature")
    with Repo(str(ROOT)) as repo:
        assert planned.keys() == {stage.addressing for stage in repo.index.stages}
    assert planned["score"] == budget.START_SECONDS
    faster = estimate.seconds(study, content, ROOT, "A100, bf16")
    for name, each in planned.items():
        if ":prune-round@" in name:
            trains = not name.endswith("after0")
            assert (each > planned["score"], faster[name] < each) == (trains, trains)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_a_bar_and_a_log_gets_lines(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdout", shown)
    progress = Progress(4)
    progress.done("a: 2.0 s", 3, 200.0)
    progress.done(None, 2, None)
    progress.say("b failed")
    progress.done("c: 1.0 s", 0, 0.0)
    progress.close()
    if terminal:
        assert "25 % |" in shown.getvalue()
        assert "| 1 of 4 stages, about 3 min left; a: 2.0 s" in shown.getvalue()
        assert "| 2 of 4 stages" in shown.getvalue()
        assert "| 2 of 4 stages, left" not in shown.getvalue()
        assert "| 4 of 4 stages, c: 1.0 s" in shown.getvalue()
        assert "\rb failed\n" in shown.getvalue()
    else:
        assert shown.getvalue() == (
            "a: 2.0 s; 3 of 4 left, about 3 min\nb failed\nc: 1.0 s; 0 of 4 left, about 0 s\n"
        )


def test_the_rest_is_not_shorter_than_the_longest_way() -> None:
    assert schedule.remaining([1, 1, 1, 1], 1, 2) == 2
    assert schedule.remaining([1, 1, 4], 4, 2) == 4
    assert schedule.remaining([1, 1], 1, 0) == 2  # all workers of a cluster have just left
    assert [schedule.spelled(s) for s in (8.4, 200, 9000)] == ["8 s", "3 min", "2.5 h"]


# --- places and cores ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "cores", "expected"),
    [
        (1, 2, [(0, 1)]),
        (2, 2, [(0,), (1,)]),
        (2, 5, [(0, 1), (2, 3, 4)]),
        (3, 2, [(0,), (0,), (1,)]),
    ],
)
def test_places_share_the_cores(workers: int, cores: int, expected: list[tuple[int, ...]]) -> None:
    assert [place.cores for place in pool.places(workers, range(cores))] == expected


def test_places_share_the_gpus() -> None:
    places = command.places(None, "0, 3", 2)
    assert [place.variables["CUDA_VISIBLE_DEVICES"] for place in places] == ["0", "3", "0", "3"]
    assert command.places(3, None, 1)[2].variables == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((None, "0,,1", 1), "--gpus is '0,,1', but should be like 0,1,2,3"),
        ((None, "a", 1), "--gpus is 'a', but should be like 0,1,2,3"),
        ((None, None, 2), "--per-gpu says nothing without --gpus"),
        ((2, "0", 1), "give --workers or --gpus with --per-gpu, not both"),
    ],
)
def test_options_that_contradict_each_other_are_a_sentence(
    options: tuple[int | None, str | None, int], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        command.places(*options)


needs_two_cores = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="one core, nothing to share"
)


@needs_two_cores
def test_a_command_has_the_cores_and_the_gpu_of_its_place(tmp_path: Path) -> None:
    first, second = sorted(os.sched_getaffinity(0))[:2]
    places = [pool.Place(0, (first,), "7"), pool.Place(1, (second,))]
    local = pool.Local(places)
    code = (
        "import os; print(sorted(os.sched_getaffinity(0)), os.environ.get('CUDA_VISIBLE_DEVICES'))"
    )
    for name, place, lent in (("alone", 0, []), ("both", 1, [places[0]])):
        line = [sys.executable, "-c", code]
        log = str(tmp_path / name)
        local.start(pool.Command(name, [line], str(tmp_path), {}, log), places[place], lent)
    assert local.free() == []
    ends: list[pool.End] = []
    while len(ends) < 2:
        ends += local.wait(None)
    local.close()
    assert {end.code for end in ends} == {0}
    printed = {name: (tmp_path / name).read_text().splitlines()[1] for name in ("alone", "both")}
    assert printed == {"alone": f"[{first}] 7", "both": f"[{first}, {second}] None"}
