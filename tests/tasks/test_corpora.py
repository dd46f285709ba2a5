"""Corpora for masked language modelling: what is read, and blocks of one length."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from stages.tickets.encoder import pretrained
from stages.tickets.settings import FolderData, ParamsError, TextData
from stages.tickets.tasks import corpora, sources
from stages.tickets.tasks.corpora import Paragraphs

WORDS = [f"w{i}" for i in range(30)]


def tokenizer() -> Tokenizer:
    return pretrained.word_tokenizer(WORDS)[0]


# --- blocks ----------------------------------------------------------------------------------


@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9), min_size=8, max_size=20),
    st.integers(3, 10),
)
def test_blocks_hold_the_text_in_order_and_are_full(
    lines: list[list[str]], max_length: int
) -> None:
    split = corpora.blocks(
        Paragraphs([" ".join(words) for words in lines]), tokenizer(), max_length
    )
    words = [word for line in lines for word in line]
    room = max_length - 2
    assert len(split) == len(words) // room
    assert set(split.lengths) == {max_length}
    said = [
        tokenizer().decode(split.ids[start:stop].tolist(), skip_special_tokens=False).split()
        for start, stop in zip(split.starts[:-1], split.starts[1:], strict=True)
    ]
    assert {(block[0], block[-1]) for block in said} == {("[CLS]", "[SEP]")}
    assert [word for block in said for word in block[1:-1]] == words[: len(split) * room]
    assert not split.types.any()
    assert split.labels.shape == (len(split),)


def test_blocks_do_not_depend_on_how_many_lines_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Paragraphs([" ".join(WORDS[: i % 7 + 1]) for i in range(40)])
    whole = corpora.blocks(lines, tokenizer(), 12)
    monkeypatch.setattr(corpora, "AT_ONCE", 3)
    assert corpora.blocks(lines, tokenizer(), 12).ids.tolist() == whole.ids.tolist()


def test_a_text_that_fills_no_block_is_refused() -> None:
    short = Paragraphs(["w1 w2 w3"])
    assert len(corpora.blocks(short, tokenizer(), 5)) == 1
    with pytest.raises(ValueError, match="its 3 tokens do not fill one block of 6, 4 without"):
        corpora.blocks(short, tokenizer(), 6)


# --- reading ---------------------------------------------------------------------------------


def own(folder: Path, train: str, validation: str = "v.txt") -> TextData:
    (folder / "v.txt").write_text("w1 w2\n", encoding="utf-8")
    return TextData(source="text", train=str(folder / train), validation=str(folder / validation))


def test_text_files_and_tables_are_read_without_empty_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.txt").write_text("w1 \u2028 caf\u00e9\n\n  \nw2\r\n", encoding="utf-8")
    task, splits = sources.load("mine", own(tmp_path, "t.txt"))
    assert (task.name, task.kind, task.metrics) == ("mine", "mlm", ("masked_accuracy",))
    assert splits["train"] == Paragraphs(["w1 \u2028 caf\u00e9", "w2"])
    assert splits["validation"] == Paragraphs(["w1 w2"])
    pd.DataFrame({"text": ["w3", "", "w4 w5"]}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setenv("SOMEWHERE", str(tmp_path))
    data = TextData(source="text", train="$SOMEWHERE/t.parquet", validation="$SOMEWHERE/v.txt")
    assert corpora.load("mine", data)["train"] == Paragraphs(["w3", "w4 w5"])


@pytest.mark.parametrize("config", ["wikitext-2-raw-v1", "wikitext-103-v1"])
def test_wikitext_is_read_under_any_name(tmp_path: Path, config: str) -> None:
    (tmp_path / config).mkdir()
    for split in ("train", "validation", "test"):
        table = pd.DataFrame({"text": ["", f" = {split} = \n", " w1 \n"]})
        table.to_parquet(tmp_path / config / f"{split}-00000-of-00001.parquet")
    data = FolderData(source="folder", path=str(tmp_path), config=config)
    task, splits = sources.load("squad", data)
    assert task.kind == "mlm"
    assert splits == {s: Paragraphs([f" = {s} = \n", " w1 \n"]) for s in ("train", "validation")}


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("none.txt", r"data\.mine\.train is '.*none\.txt', but there is no such file"),
        ("bad.parquet", r"data\.mine\.train is '.*', which cannot be read"),
        (
            "latin.txt",
            r"data\.mine\.train is '.*', which has the byte 0xe9 in its line 1, which is not",
        ),
        ("other.parquet", r"has no column 'text'"),
        ("empty.txt", r"data\.mine has no text in its split train"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, train: str, message: str) -> None:
    (tmp_path / "bad.parquet").write_text("no table", encoding="utf-8")
    (tmp_path / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf-8")
    pd.DataFrame({"line": ["w1"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ParamsError, match=message):
        corpora.load("mine", own(tmp_path, train))


def test_the_real_wikitext_has_its_published_validation_split() -> None:
    if "SCRATCHCARD_DATA" not in os.environ:
        pytest.skip("SCRATCHCARD_DATA names no folder with data/wikitext")
    data = FolderData(
        source="folder", path="$SCRATCHCARD_DATA/data/wikitext", config="wikitext-2-raw-v1"
    )
    lines = corpora.load("words", data)["validation"].lines
    # Merity et al. 2016, Table 1: 217,646 tokens, among them the ends of 3,760 lines.
    assert sum(len(line.split()) for line in lines) + 3760 == 217_646
    assert np.all([line.strip() for line in lines])
