"""Hashes of weights, versions, and the commit."""

import hashlib
import subprocess

import numpy as np
import pytest

from stages.tickets.export import provenance


def test_a_hash_by_hand():
    weights = {"b": np.array([[1.0, 2.0]], np.float32), "a": np.array([0.5], np.float32)}
    text = b'["a", [1]]\n\x00\x00\x00\x3f["b", [1, 2]]\n\x00\x00\x80\x3f\x00\x00\x00\x40'
    assert provenance.digest(weights) == hashlib.sha256(text).hexdigest()


def test_a_hash_depends_on_names_shapes_and_values_alone():
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = provenance.digest({"a": weight, "b": weight})
    assert provenance.digest({"b": weight, "a": np.asfortranarray(weight)}) == found
    others = [
        {"a": weight, "c": weight},
        {"a": weight.reshape(3, 2), "b": weight},
        {"a": weight, "b": np.nextafter(weight, np.float32(9))},
    ]
    assert len({found, *map(provenance.digest, others)}) == 4


def test_a_commit_with_and_without_changes(tmp_path):
    if provenance.commit(tmp_path):
        pytest.skip("the folder for temporary files lies in a git repository")

    def git(*arguments):
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert provenance.commit(tmp_path) is None  # nothing is committed yet
    (tmp_path / "file").write_text("x")
    git("add", "file")
    git("commit", "-m", "x")
    head = provenance.commit(tmp_path)
    assert head is not None
    assert len(head) == 40
    (tmp_path / "other").write_text("x")
    assert provenance.commit(tmp_path) == head
    (tmp_path / "file").write_text("y")
    assert provenance.commit(tmp_path) == head + "+changes"


def test_versions_name_no_machine():
    found = provenance.versions()
    assert {"python", *provenance.LIBRARIES} == found.keys()
    assert all(value[0].isdigit() for value in found.values())
