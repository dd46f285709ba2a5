"""The page and the README: self-contained, escaped, complete; tables in csv, Markdown and TeX."""

import csv
import io
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from stages.tickets import report
from stages.tickets.report import Section
from stages.tickets.tables import Record, Table
from tests.test_tables import SIZES, Study, config, study

RECORD = {"num_prunable": 12345, "num_weights": 23456, "masked_accuracy": 0.41}
VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """Start tags with their attributes; fails on tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]


def build(made: Study) -> list[Section]:
    return report.build(made.found, made.agreement, made.layers, made.config)


def write(made: Study, sections: list[Section], **changes: str) -> tuple[str, str]:
    """Page and README, with other titles or banners."""
    config = made.config.model_copy(update=changes)
    facts = report.scope(made.found, RECORD, config)
    folders = ("tables", "figures")
    page = report.page(sections, facts, config, folders)
    return page, report.readme(sections, facts, config, folders)


@pytest.fixture(scope="module")
def made() -> Study:
    return study(config(3, 3, 2))


@pytest.fixture(scope="module")
def sections(made: Study) -> list[Section]:
    return build(made)


@pytest.fixture(scope="module")
def page(made: Study, sections: list[Section]) -> Page:
    return Page(write(made, sections)[0])


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "image"}
    links = page.values("href") + page.values("src") + page.values("xlink:href")
    assert all(re.match(r"#|(tables|figures)/\w+\.(csv|md|tex|svg)$", link) for link in links)


def test_ids_are_unique_and_every_link_inside_the_page_has_its_end(page: Page) -> None:
    counts = Counter(page.values("id"))
    assert counts.most_common(1)[0][1] == 1
    inside = [
        link[1:] for link in page.values("href") + page.values("xlink:href") if link[0] == "#"
    ]
    clips = [value[5:-1] for value in page.values("clip-path")]
    names = [*page.values("aria-labelledby"), *inside, *clips]
    assert clips
    assert set(names) <= set(counts)


def test_every_figure_has_a_name_for_who_cannot_see_it(page: Page) -> None:
    drawn = [found for tag, found in page.tags if tag == "svg"]
    assert len(drawn) == 6
    assert all(found["role"] == "img" and found["aria-label"] for found in drawn)


def test_text_from_files_is_escaped(made: Study, sections: list[Section]) -> None:
    html, _ = write(made, sections, title="<b>T & Co</b>", banner="<script>alert('x')</script>")
    assert "<script" not in html
    assert "&lt;b&gt;T &amp; Co&lt;/b&gt;" in html


def test_the_banner_comes_first_and_only_where_there_is_one(
    made: Study, sections: list[Section]
) -> None:
    html, readme = write(made, sections, banner="Not evidence.")
    assert html.index("Not evidence.") < html.index("<h1>")
    assert "> **Not evidence.**" in readme
    html, readme = write(made, sections, banner="")
    assert 'class="banner"' not in html
    assert "> " not in readme


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
def test_a_report_has_all_sections_and_says_what_did_not_run(
    size: tuple[int, int, int, bool],
) -> None:
    made = study(config(*size))
    html, readme = write(made, build(made))
    Page(html)
    for text in (html, readme):
        assert "None" not in text.replace("None of", "")
        assert not re.search(r"\bnan\b", text)
    assert readme.count("\n## ") == html.count("<h2") == 7
    assert ("random.rounds is empty" in html) is (not size[3])
    assert ("random.rounds is empty" in readme) is (not size[3])


def test_the_scope_says_what_the_numbers_are_about(made: Study) -> None:
    facts = dict(report.scope(made.found, RECORD, made.config))
    assert "12,345 of 23,456" in facts["Prunable"]
    assert facts["Seeds"] == "1, 2, 3 (n=3)"
    assert "similarity (Pearson)" in facts["Tasks"]
    assert "41\N{NO-BREAK SPACE}%" in facts["Encoder"]


def test_answers_count_what_the_tables_hold(sections: list[Section]) -> None:
    answers = {section.name: section.answer for section in sections}
    assert answers["transfer"].startswith("3 of 6 transfers")
    assert "between tasks 0.52, between seeds 0.70" in answers["agreement"]
    assert answers["rewinding"].endswith("+5.0 from i = 50 % (by task +5.0 to +5.0).")


def test_csv_has_six_digits_and_empty_cells_for_nothing() -> None:
    records: list[Record] = [{"task": "a", "mean": 2 / 3, "std": None, "n": 3}]
    assert report.to_csv(records) == "task,mean,std,n\na,0.666667,,3\n"
    assert next(csv.reader(io.StringIO(report.to_csv([], "not run: x, y")))) == ["not_run"]


TABLE = Table("a_b", "50 % of_it", ("task", "x ± y"), (("own_task", "−1.0*"), ("a|b", "< 0.1")))


def test_markdown_is_escaped() -> None:
    assert report.to_markdown(TABLE) == (
        "| task | x ± y |\n| --- | ---: |\n| own\\_task | −1.0\\* |\n| a\\|b | \\< 0.1 |\n\n"
        "50 % of\\_it\n"
    )


def test_tex_is_escaped() -> None:
    tex = report.to_tex(TABLE)
    assert r"own\_task & $-$1.0* \\" in tex
    assert r"\caption{50 \% of\_it}" in tex
    assert r"$<$ 0.1" in tex
    assert tex.isascii()


def test_every_tex_file_is_ascii(sections: list[Section]) -> None:
    for section in sections:
        for table in section.tables:
            assert report.to_tex(table).isascii(), table.name
