"""The committed reports in a real browser: headless Chromium, without a network."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "reports").glob("*/index.html"))
CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
        if (found := shutil.which(name))
    ),
    None,
)
WIDTHS = (1200, 500)
"""A screen's, and the least that a window of headless Chromium has."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
PROBE = """
<script>
addEventListener("load", () => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((one) => {
      const share = one / 255;
      return share <= .04045 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
    });
    return .2126 * r + .7152 * g + .0722 * b + .05;
  };
  const behind = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") return color;
    return node.parentElement ? behind(node.parentElement) : "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *:not(svg, svg *, script)")].filter((node) =>
    [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  const found = {
    width: innerWidth,
    page: document.documentElement.scrollWidth,
    lost: [...document.querySelectorAll('a[href^="#"]')]
      .map((a) => a.getAttribute("href").slice(1)).filter((id) => !document.getElementById(id)),
    figures: [...document.querySelectorAll("figure svg")].map((svg) => {
      const box = svg.getBoundingClientRect();
      const shapes = [...svg.querySelectorAll("path, use, image")].filter((shape) => {
        const own = shape.getBoundingClientRect();
        return !shape.closest("defs, clipPath") && own.width * own.height > 0
          && own.right > box.left && own.left < box.right;
      });
      return {name: svg.getAttribute("aria-label"), width: box.width, height: box.height,
        shapes: shapes.length, colours: new Set(shapes.map((one) => getComputedStyle(one).fill
          + getComputedStyle(one).stroke)).size};
    }),
    pale: texts.filter((node) => {
      const [one, other] = [light(getComputedStyle(node).color), light(behind(node))];
      return Math.max(one, other) / Math.min(one, other) < 4.5;
    }).map((node) => node.textContent.trim().slice(0, 60)),
  };
  document.body.innerHTML = "";
  const pre = document.body.appendChild(document.createElement("pre"));
  pre.id = "found";
  pre.textContent = JSON.stringify(found);
});
</script>
"""
"""What the page looks like from inside, in place of the page."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
]


def browse(url: str, profile: Path, *options: str) -> str:
    """What Chromium prints."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def requests(log: Path) -> list[str]:
    """Addresses that the page asked for, but its own file; the browser's own have no origin."""
    events = json.loads(log.read_text(encoding="utf-8", errors="replace"))["events"]
    asked = [event.get("params", {}) for event in events]
    found = {
        one["url"] for one in asked if one.get("initiator", "not an origin") != "not an origin"
    }
    return sorted(url for url in found if not url.startswith("file:"))


def probe(page: Path, folder: Path, width: int) -> tuple[dict[str, Any], list[str]]:
    """What `PROBE` finds in a copy of the page, and what loading it asked a network for."""
    copy = folder / "index.html"
    text = page.read_text(encoding="utf-8")
    copy.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    log = folder / "net.json"
    dom = browse(
        copy.as_uri(),
        folder / "profile",
        f"--window-size={width},1000",
        f"--log-net-log={log}",
        "--dump-dom",
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, flags=re.DOTALL)
    assert found, "the page did not load"
    text = found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return json.loads(text), requests(log)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_report_is_whole_in_a_browser(page: Path, tmp_path: Path) -> None:
    found, urls = probe(page, tmp_path, WIDTHS[0])
    assert urls == []
    assert found["lost"] == []
    assert found["pale"] == []
    assert found["figures"]
    for figure in found["figures"]:
        assert figure["name"]
        assert min(figure["width"], figure["height"]) > 50, figure
        assert figure["shapes"] > 10, figure
        assert figure["colours"] > 1, figure


def test_what_is_wrong_with_a_page_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "wrong.html"
    page.write_text(
        '<!doctype html><body style="width: 3000px"><a href="#nowhere">a</a>'
        '<p style="color: #aaa">pale</p><img src="http://127.0.0.1:9/x.png">'
        '<figure><svg aria-label="empty" width="90" height="90"></svg></figure></body>',
        encoding="utf-8",
    )
    found, urls = probe(page, tmp_path, WIDTHS[0])
    assert urls == ["http://127.0.0.1:9/x.png"]
    assert found["lost"] == ["nowhere"]
    assert found["pale"] == ["pale"]
    assert found["page"] > found["width"]
    assert [figure["shapes"] for figure in found["figures"]] == [0]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_the_miniature_fits_its_window(width: int, tmp_path: Path) -> None:
    page = ROOT / "reports" / "miniature" / "index.html"
    found, _ = probe(page, tmp_path, width)
    assert found["page"] <= found["width"] == width
    shot = tmp_path / f"{width}.png"
    options = (f"--window-size={width},1500", f"--screenshot={shot}")
    browse(page.as_uri(), tmp_path / "profile", *options)
    picture = imread(shot)
    assert picture.shape[:2] == (1500, width)
    assert min(ink(picture, range(0, 1500, 300))) > 0.01


def ink(picture: "np.ndarray[Any, Any]", tops: Sequence[int]) -> list[float]:
    """Share of pixels that are not white, by stripe of 300 rows."""
    dark = picture[..., :3].min(axis=-1) < 0.9
    return [float(dark[top : top + 300].mean()) for top in tops]
