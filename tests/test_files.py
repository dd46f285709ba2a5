"""Files between stages: what comes back, that bytes repeat, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from stages.tickets import files
from stages.tickets.files import Split
from stages.tickets.pruning.masks import Mask

ROOT = Path(__file__).parents[1]
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
SPLIT = Split(
    np.array([5, 6, 7, 8, 9], dtype=np.int32),
    np.array([0, 0, 1, 0, 1], dtype=np.int8),
    np.array([0, 3, 5], dtype=np.int64),
    np.array([1, 0]),
)


def mask_of(shapes: dict[str, tuple[int, int]], seed: int = 0) -> Mask:
    generator = np.random.default_rng(seed)
    return {name: generator.random(shape) < 0.3 for name, shape in shapes.items()}


def header(path: Path) -> dict[str, Any]:
    """The JSON that opens a safetensors file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    read: dict[str, Any] = json.loads(content[8 : 8 + length])
    return read


# --- masks -----------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from("abcd"), SHAPES, min_size=1), st.integers(0, 99))
def test_a_mask_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, shapes: dict[str, tuple[int, int]], seed: int
) -> None:
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    mask = mask_of(shapes, seed)
    files.save_mask(mask, path)
    loaded = files.load_mask(path)
    assert list(loaded) == sorted(mask)
    for name, kept in mask.items():
        assert loaded[name].dtype == np.bool_
        np.testing.assert_array_equal(loaded[name], kept)


def test_a_mask_takes_one_bit_per_weight(tmp_path: Path) -> None:
    files.save_mask(mask_of({"a": (768, 768), "b": (1001, 333)}), tmp_path / "mask")
    num_bytes = (tmp_path / "mask").stat().st_size
    assert 0 < num_bytes - (768 * 768 + 1001 * 333) / 8 < 300


def test_a_loaded_mask_can_be_changed(tmp_path: Path) -> None:
    files.save_mask(mask_of({"a": (3, 3)}), tmp_path / "mask")
    loaded = files.load_mask(tmp_path / "mask")
    loaded["a"][:] = True
    assert files.load_mask(tmp_path / "mask")["a"].sum() < 9


def test_golden_bytes_of_a_mask(tmp_path: Path) -> None:
    """Bits row by row, the first one highest, each matrix filled up to a byte."""
    kept = np.array([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1]], dtype=np.bool_)
    files.save_mask({"w": kept}, tmp_path / "mask")
    assert (tmp_path / "mask").read_bytes()[-2:] == bytes([0b10110001, 0b01000000])


# A mask has one uint8 tensor per matrix of ceil(size / 8) bytes, and one record of the shapes.
FOUR_BY_SIX = {"shapes": json.dumps({"w": [4, 6]})}
FULL = np.full(3, 255, dtype=np.uint8)
NO_MASKS: dict[str, tuple[dict[str, Any], dict[str, str] | None]] = {
    "no shapes": ({"w": FULL}, None),
    "a byte too few": ({"w": FULL[:2]}, FOUR_BY_SIX),
    "a byte too many": ({"w": np.full(4, 255, dtype=np.uint8)}, FOUR_BY_SIX),
    "floats": ({"w": FULL.astype(np.float32)}, FOUR_BY_SIX),
    "no such matrix": ({"v": FULL}, FOUR_BY_SIX),
    "a matrix without a shape": ({"v": FULL, "w": FULL}, FOUR_BY_SIX),
    "shapes that are no JSON": ({"w": FULL}, {"shapes": "{"}),
    "shapes that are no record": ({"w": FULL}, {"shapes": "[4, 6]"}),
}


@pytest.mark.parametrize("problem", NO_MASKS)
def test_a_file_that_is_no_mask_is_refused(tmp_path: Path, problem: str) -> None:
    tensors, metadata = NO_MASKS[problem]
    save_file(tensors, tmp_path / "mask", metadata=metadata)
    with pytest.raises(ValueError, match=r"mask is not a mask: "):
        files.load_mask(tmp_path / "mask")


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_mask_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mask"
    files.save_mask(mask_of({"w": (40, 60)}), path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-1], "empty": b"", "text": b"this is text, no mask"}[damage])
    with pytest.raises(ValueError, match=r"mask is not a mask: "):
        files.load_mask(path)


# --- splits, arrays, records -----------------------------------------------------------------


def test_a_split_comes_back_with_its_types(tmp_path: Path) -> None:
    files.save_split(SPLIT, tmp_path / "folder" / "split")
    loaded = files.load_split(tmp_path / "folder" / "split")
    assert len(loaded) == 2
    assert loaded.lengths.tolist() == [3, 2]
    for name in ("ids", "types", "starts", "labels"):
        before, after = getattr(SPLIT, name), getattr(loaded, name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)


def test_arrays_come_back_whatever_their_layout(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    files.save_arrays({"logits": array}, tmp_path / "arrays")
    np.testing.assert_array_equal(files.load_arrays(tmp_path / "arrays")["logits"], array)


def test_a_run_comes_back(tmp_path: Path) -> None:
    logits = np.array([[0.5, -1.0]], dtype=np.float32)
    files.save_run({"validation.logits": logits}, [0.7, 0.6], tmp_path / "run")
    found = files.load_arrays(tmp_path / "run" / "predictions.safetensors")
    np.testing.assert_array_equal(found["validation.logits"], logits)
    assert files.load_record(tmp_path / "run" / "history.json") == {"losses": [0.7, 0.6]}


def test_a_record_has_sorted_keys_and_ends_in_a_newline(tmp_path: Path) -> None:
    files.save_record({"b": {"z": 1, "y": [1.5, None]}, "a": "ä"}, tmp_path / "record")
    text = (tmp_path / "record").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.index('"a"') < text.index('"b"') < text.index('"y"') < text.index('"z"')
    assert files.load_record(tmp_path / "record") == {"a": "ä", "b": {"y": [1.5, None], "z": 1}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_record_with_nan_or_infinity_is_refused_and_not_written(
    tmp_path: Path, value: float
) -> None:
    with pytest.raises(ValueError, match=r"JSON"):
        files.save_record({"losses": [0.5, value]}, tmp_path / "record")
    assert not (tmp_path / "record").exists()


def test_what_is_not_there_is_said_to_come_from_dvc(tmp_path: Path) -> None:
    for load in (files.load_mask, files.load_split, files.load_record):
        with pytest.raises(
            FileNotFoundError, match=r"nothing does not exist; `dvc repro` makes it"
        ):
            load(tmp_path / "nothing")


def test_a_table_has_six_digits_and_empty_cells(tmp_path: Path) -> None:
    rows = [
        {"name": "a, b", "size": np.int64(3), "share": np.float64(2 / 3), "kept": True},
        {"kept": False, "share": np.float32(0.5), "size": None, "name": ""},
        {"name": "c", "size": 12345678, "share": 12345678.0, "kept": np.bool_(True)},
    ]
    files.save_table(rows, ("name", "size", "share", "kept"), tmp_path / "new" / "table.csv")
    assert (tmp_path / "new" / "table.csv").read_bytes() == (
        b'name,size,share,kept\n"a, b",3,0.666667,True\n,,0.5,False\nc,12345678,1.23457e+07,True\n'
    )
    files.save_table([], ("name", "size"), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "name,size\n"
    for row in ({"name": "a"}, {"name": "a", "size": 1, "more": 2}):
        with pytest.raises(ValueError, match=r"row of table\.csv has the columns name"):
            files.save_table([row], ("name", "size"), tmp_path / "table.csv")


# --- same content, same bytes ----------------------------------------------------------------


def test_safetensors_have_at_most_one_metadata_key(tmp_path: Path) -> None:
    """Several come out in random order."""
    files.save_mask(mask_of({"a": (2, 3), "b": (4, 5)}), tmp_path / "mask")
    files.save_split(SPLIT, tmp_path / "split")
    files.save_run({"validation.logits": np.zeros((1, 2))}, [], tmp_path)
    assert list(header(tmp_path / "mask")["__metadata__"]) == ["shapes"]
    for name in ("split", "predictions.safetensors"):
        assert "__metadata__" not in header(tmp_path / name)


WRITE = """
import sys
from pathlib import Path
import numpy as np
from stages.tickets import files
names = {f"layer.{number}.weight" for number in range(9)}  # in an order of the process's own
out = Path(sys.argv[1])
files.save_mask({name: np.eye(5, 7) == 0 for name in names}, out / "mask")
files.save_arrays({name: np.arange(3) for name in names}, out / "arrays")
files.save_record({name: {other: 0.1 for other in names} for name in names}, out / "record")
"""


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, "-c", WRITE, str(out)]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        contents.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"mask", "arrays", "record"}
