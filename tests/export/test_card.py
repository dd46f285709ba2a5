"""Model cards: what the Hub and a reader see, whatever names and paths hold."""

import re

import pytest
from huggingface_hub import ModelCard

from stages.tickets.export import card as model_cards
from stages.tickets.export import markdown
from stages.tickets.report.rows import ScoreRow
from stages.tickets.report.scores import Run, Scores

NASTY = (
    "no", "on: yes", "a | b", "`x`", "<script>alert(1)</script>", "# x", "- x", "[a](b)", "*x*",
    "x\n---\nlicense: mit\n", "{{x}}", "'\"", "%x & y", "é\u2028\x85ü", "```", "null", "1e3", "~",
    "x\r\n\r\n# y", "\x1b[31m\x00\x07red",
)  # fmt: skip


def source(**different):
    return model_cards.Source(
        **(
            {
                "study": "tiny", "encoder": "somewhere", "base_model": None, "pooler": "pretrained",
                "licence": "Apache-2.0",
                "sha256": "0" * 64, "commit": None, "versions": {"torch": "2"},
            }
            | different
        )
    )  # fmt: skip


def task(name="mood", origin="a table", on_hub=None, kind="classification"):
    return model_cards.Task(
        name, kind, origin, on_hub, {"train": 1000, "validation": 5}, {"epochs": 3}, 9
    )


def table(name="ticket", scores=((1, 0.5), (2, 0.7)), seeds=(1,)):
    rows = [
        ScoreRow(
            "mood", kind, seed, 0, 0.0, None, "", split, metric, metric == "accuracy", value, False
        )
        for kind, shift in (("imp", 0), ("dense", 0.1))
        for seed, score in scores
        for split in ("validation", "selection")
        for metric, value in (("accuracy", score + shift), ("loss", 9.0))
    ]
    runs = {name: Run("mood", "imp"), "dense": Run("mood", "dense")}
    return model_cards.Table(Scores(rows), 0.95, seeds, runs)


def written(title, about, the_task, the_table):
    front = model_cards.front_matter(
        about, [the_task], ["pruned"], "classification", title, the_table
    )
    parts = [model_cards.scored(the_table), model_cards.provenance(about, [the_task])]
    return model_cards.card(title, front, parts)


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_the_front_matter(text):
    """It reads back as it was, printed on one line, and everything after it is a heading."""
    named = source(base_model=text)
    card = ModelCard(written(text, named, task(text, on_hub=text), table(text)))
    about = card.data.to_dict()
    line = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    assert about["base_model"] == line
    assert about["license"] == "apache-2.0"
    assert about["datasets"] == [line]
    (model,) = about["model-index"]
    assert model["name"] == line
    (result,) = model["results"]
    assert result["dataset"]["name"] == line
    assert result["metrics"][0]["value"] == 0.5
    assert card.text.lstrip().startswith("# ")
    assert "license: mit" not in re.sub(r"'[^']*'", "", str(card.data).split("---")[0])


@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_the_markdown(text):
    """One heading, tables of as many cells in every row, no markup that a name brought."""
    about = source(study=text, encoder=text, licence=text, commit=text)
    lines = ModelCard(written(text, about, task(text, origin=text), table(text))).text.splitlines()
    assert sum(line.startswith("#") for line in lines) == 1
    rows = [line for line in lines if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert sum(line.startswith("- ") for line in lines) == 4
    outside = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(lines))
    assert not re.search(r"<(?!-)|(?<!\\)\*|(?<!\\)\]\(", outside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*", r"a\_b\*"), ("x\ny", "x y"), ("a|b", r"a\|b"), ("<b>&", "&lt;b&gt;&amp;"),
        ("\\", "\\\\"), ("[a](b)", r"\[a\](b)"),
    ],
)  # fmt: skip
def test_plain_text_by_hand(text, shown):
    assert markdown.plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"), [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\n`", "`` a ` ``")]
)
def test_code_by_hand(text, shown):
    assert markdown.code(text) == shown


def test_scores_by_hand():
    """Of 0.5 and 0.7 the mean is 0.6; half the interval is 12.706 * 0.1414 / 1.414 = 1.27."""
    rows = model_cards.scored(table()).splitlines()
    assert rows[0] == (
        "| what | split | metric | seed 1 | mean over seeds | 95\N{NO-BREAK SPACE}% interval | n |"
    )
    assert rows[2:6] == [
        "| ticket | validation | accuracy | 50.0 | 60.0 | −67.1 to 187.1 | 2 |",
        "| ticket | selection | accuracy | 50.0 | 60.0 | −67.1 to 187.1 | 2 |",
        "| dense | validation | accuracy | 60.0 | 70.0 | −57.1 to 197.1 | 2 |",
        "| dense | selection | accuracy | 60.0 | 70.0 | −57.1 to 197.1 | 2 |",
    ]
    one = model_cards.scored(table(scores=[(1, 0.5)], seeds=[1, 3])).splitlines()
    assert (
        one[2] == "| ticket | validation | accuracy | 50.0 | not run | 50.0 | none with n=1 | 1 |"
    )


def test_what_has_no_score_says_so():
    found = table()
    found = model_cards.Table(
        found.scores, 0.95, [1], {"other": Run("mood", "pruned"), **found.runs}
    )
    assert "The study has no score of: other." in model_cards.scored(found)
    front = model_cards.front_matter(source(), [task()], [], "classification", "x", found)
    assert front.eval_results is None


def test_an_unknown_licence_is_called_unknown():
    about = source(licence=None)
    assert model_cards.front_matter(about, [task()], []).license == "unknown"
    assert "Licence of the encoder: unknown (encoder.licence" in model_cards.provenance(about, [])


def test_a_pooler_that_is_drawn_is_mentioned():
    assert "pooler is left out" in model_cards.provenance(source(pooler="fresh"), [])
    assert "pooler" not in model_cards.provenance(source(), [])
