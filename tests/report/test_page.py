"""The page and the README: self-contained, escaped, complete."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stages.tickets.report import page as pages
from stages.tickets.report import sections as built
from stages.tickets.report.claim import Claim
from stages.tickets.report.section import Section
from tests.made_up import SIZES, Size, Study, config, sections_of, study

COMMITTED = sorted((Path(__file__).parents[2] / "reports").glob("*/index.html"))
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
    return built.build(made.results, made.config)


def write(made: Study, sections: list[Section], **changes: str) -> tuple[str, str]:
    """Page and README, with other titles or banners."""
    study = made.config.model_copy(update=changes)
    results = replace(made.results, study=study)
    content = pages.content(sections, results, study)
    return pages.to_html(content), pages.to_readme(content)


@pytest.fixture(scope="module")
def made() -> Study:
    return study(config(3, 3, 2))


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    return sections_of((3, 3, 2, True), everything=False)


@pytest.fixture(scope="module")
def page(made: Study, sections: list[Section]) -> Page:
    return Page(write(made, sections)[0])


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "image"}
    links = page.values("href") + page.values("src") + page.values("xlink:href")
    assert all(re.match(r"#|(tables|figures)/\w+\.(csv|md|tex|svg)$", link) for link in links)


@pytest.mark.parametrize("page", COMMITTED, ids=lambda page: page.parent.name)
def test_every_link_of_a_committed_page_leads_to_a_file(page: Path) -> None:
    links = Page(page.read_text(encoding="utf-8")).values("href")
    files = {link for link in links if not link.startswith("#")}
    assert len(files) > 50
    assert [link for link in sorted(files) if not (page.parent / link).is_file()] == []


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
    assert len(drawn) == 20
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
def test_a_report_has_all_sections_and_says_what_did_not_run(size: Size) -> None:
    made = study(config(*size))
    html, readme = write(made, build(made))
    Page(html)
    for text in (html, readme):
        assert "None" not in text.replace("None of", "")
        assert not re.search(r"\bnan\b", text)
    assert readme.count("\n## ") == html.count("<h2") == len(built.ORDER) + 2
    assert ("random.rounds is empty" in html) is (not size[3])
    assert ("random.rounds is empty" in readme) is (not size[3])


def test_the_first_screen_has_the_question_the_figure_and_what_was_decided(
    made: Study, sections: list[Section]
) -> None:
    html, readme = write(made, sections)
    tickets = next(part for part in sections if part.name == "tickets")
    for text in (html, readme):
        places = [
            text.index(part)
            for part in (tickets.answer[:40], "Score against sparsity", "What holds here?", "Seeds")
        ]
        assert places == sorted(places)
    start = html[html.index("What holds here?") : html.index("About these numbers")]
    shown = re.sub(r"<details>.*?</details>", "", start, flags=re.DOTALL)
    assert 'class="badge holds"' in shown
    assert 'class="badge undecided"' not in shown
    assert 'class="badge not-run"' not in shown
    assert 'class="badge undecided"' in start


def test_papers_of_which_nothing_ran_share_one_fold_that_says_how_to_run_them(made: Study) -> None:
    def claim(name: str, paper: str, why: str) -> Claim:
        word = why.partition(":")[0] or "holds"
        return Claim(name, f"Statement {name}.", paper, (), word=word, why=why)

    empty = "not run: connectivity.tasks is empty in params.yaml"
    claims = (
        claim("ran", "Paper A", ""),
        claim("rest", "Paper A", empty),
        claim("first", "Paper B", empty),
        claim("second", "Paper B", empty),
        claim("beyond", "what goes beyond Paper B", "not run: x.starts has no arm 'head'"),
        claim("unlearned", "Paper C", "no evidence: mlm"),
    )
    section = Section("tickets", "Title", "Question?", "Paper.", "Answer.", (), (), (), claims)
    ran, (absent,) = pages.split_by_paper(claims)
    assert [part.name for part in ran] == ["ran", "rest", "unlearned"]
    assert [part.name for part in absent.claims] == ["first", "second", "beyond"]
    html, readme = write(made, [section])
    for text in (html, readme):
        start = text[text.index("What holds here?") : text.index("About these numbers")]
        before, _, fold = start.partition("<summary>Nothing of these papers ran in this study: ")
        assert "Paper B" not in before
        names, _, inside = fold.partition("</summary>")
        assert names == "Paper B"
        reasons = "connectivity.tasks is empty in params.yaml; x.starts has no arm 'head'"
        assert reasons.replace("'", "&#39;" if text is html else "'") in inside
        assert "uv run dvc repro" in inside
        for name in ("first", "second", "beyond"):
            assert f"Statement {name}." in inside
            assert f"Statement {name}." not in before
        for name in ("ran", "rest", "unlearned"):
            assert f"Statement {name}." in before


def test_without_a_paper_of_which_nothing_ran_there_is_no_fold(made: Study) -> None:
    done = Claim("ran", "Statement.", "Paper A", (), word="holds")
    section = Section("tickets", "Title", "Question?", "Paper.", "Answer.", (), (), (), (done,))
    assert all("Nothing of these papers" not in text for text in write(made, [section]))


def test_every_claim_has_its_line_and_its_card(made: Study, sections: list[Section]) -> None:
    html, readme = write(made, sections)
    claims = {claim.name: claim for part in sections for claim in part.claims}.values()
    assert len(claims) > 25
    for claim in claims:
        assert html.count(f'href="#claim-{claim.name}"') == 1
        assert html.count(f'<h3 id="claim-{claim.name}"') == 1
    assert readme.count("\n- **") == len(claims)
