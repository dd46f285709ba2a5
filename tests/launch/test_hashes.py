"""The hash of code: what reruns a stage, and what does not."""

import pytest

from stages import code
from stages.launch import hashes
from tests.imports import ROOT

SOURCE = '''"""What it is for."""

import os  # for the path


def double(number: int) -> int:
    """Twice the number.

    # not a comment
    """
    return 2 * number  # doubled


class Kept:
    size: int = 1
    """Of what."""

    def grown(self) -> int: ...
'''


def test_comments_docstrings_and_blank_lines_do_not_count():
    bare = (
        "import os\ndef double(number: int) -> int:\n    return 2 * number\n"
        "class Kept:\n    size: int = 1\n    def grown(self) -> int: ..."
    )
    assert hashes.essence(SOURCE) == hashes.essence(bare) == bare


def test_texts_count_to_the_last_blank():
    assert hashes.essence('a = """one\n\ntwo"""') != hashes.essence('a = """one\ntwo"""')
    line = 'def f(x): "doc"; return x + {}'
    assert hashes.essence(line.format(1)) != hashes.essence(line.format(2))


def test_all_versions_of_python_see_the_same():
    nested = "value = f'{names[\"é\"]!r:>{width}} # {1}'  # so\n"
    assert hashes.essence(nested) == nested.removesuffix("  # so\n")


@pytest.mark.parametrize(
    ("old", "new"), [("2 * number", "3 * number"), ("= 1", "= 2"), ("...", "pass")]
)
def test_code_counts(old, new):
    assert hashes.essence(SOURCE) != hashes.essence(SOURCE.replace(old, new))


def test_a_hash_sign_in_a_text_is_no_comment():
    assert hashes.essence('colour = "#fff"  # white') == 'colour = "#fff"'


@pytest.fixture
def project(tmp_path):
    stages = tmp_path / "stages"
    (stages / "tickets" / "settings").mkdir(parents=True)
    (stages / "launch").mkdir()
    (stages / "__init__.py").write_text("", encoding="utf-8")
    texts = {
        "run.py": "from stages.launch import warm\nfrom stages.tickets import one, settings\n",
        "launch/warm.py": "",
        "tickets/settings/__init__.py": "",
        "tickets/settings/study.py": "",
        "other.py": "import json\n",
        "tickets/one.py": "def late():\n    from stages.tickets.two import thing\n",
        "tickets/two.py": "thing = 1\n",
        "tickets/two.html.jinja": "<p>",
        "tickets/two.py.orig": "thing = 0\n",
        "tickets/three.py": "",
    }
    for name, text in texts.items():
        (stages / name).write_text(text, encoding="utf-8")
    return tmp_path


def names(project, script):
    found = hashes.imported_files(project / "stages" / script, project)
    return [file.relative_to(project / "stages").as_posix() for file in found]


def test_a_script_depends_on_all_it_imports_at_any_depth_and_on_their_templates(project):
    expected = ["run.py", "tickets/one.py", "tickets/two.html.jinja", "tickets/two.py"]
    assert names(project, "run.py") == expected
    assert names(project, "other.py") == ["other.py"]


def test_only_the_scripts_that_use_a_changed_file_get_another_hash(project, tmp_path):
    code.main(project / "stages", tmp_path / "before", "fast")
    (project / "stages" / "tickets" / "two.py").write_text("thing = 2\n", encoding="utf-8")
    code.main(project / "stages", tmp_path / "after", "fast")
    for script, same in {"run": False, "other": True}.items():
        before, after = (tmp_path / when / f"{script}.json" for when in ("before", "after"))
        assert (before.read_bytes() == after.read_bytes()) is same


def test_every_module_of_the_method_belongs_to_a_script():
    """A module that no script's hash has would change a result without a rerun."""
    used = {name for files in hashes.by_script(ROOT / "stages").values() for name in files}
    modules = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "stages" / "tickets").rglob("*.py")
        if file.name != "__init__.py" or hashes.essence(file.read_text(encoding="utf-8"))
    }
    beside = (
        "stages/tickets/settings/",
        "stages/tickets/export/",
        "stages/tickets/plan/",
        "stages/tickets/sizes/memory.py",  # of the command that measures a machine
        "stages/tickets/sizes/timing.py",
    )
    assert {name for name in modules - used if not name.startswith(beside)} == set()
    assert "stages/tickets/report/sections/patterns/shares.py" in used
