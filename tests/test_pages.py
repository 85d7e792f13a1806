"""The pages of every project in a real browser: light, dark, on a telephone, with tables that can be sorted."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from projects import Project

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ("validation/report.html", "evaluation/report.html", "acceptance/report.html")
TELEPHONE = 360  # CSS pixels

# What a reader would see, told to the page around.
PROBE = """
<script>
{
const found = { wide: document.documentElement.scrollWidth - innerWidth, unreadable: [], small: [], sorted: {} };
const parts = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = (color) => {
  const [red, green, blue] = parts(color).slice(0, 3).map((value) => value / 255)
    .map((share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (element) => {
  while (element && (parts(getComputedStyle(element).backgroundColor)[3] ?? 1) < 1) element = element.parentElement;
  return getComputedStyle(element ?? document.body).backgroundColor;
};
const holdsWords = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const look = (theme) => {
  for (const element of document.querySelectorAll("body *")) {
    if (!holdsWords(element) || !element.checkVisibility() || element.matches("title, script")) continue;
    const style = getComputedStyle(element), isDrawn = element instanceof SVGElement;
    const shades = [luminance(isDrawn ? style.fill : style.color), luminance(ground(element))].sort((a, b) => b - a);
    const ratio = (shades[0] + 0.05) / (shades[1] + 0.05);
    const isOnCell = isDrawn && element.textContent.trim().match(/^[\\d,]+$/);  // whose ground is drawn as well
    if (ratio < 4.5 && !isOnCell) found.unreadable.push(`${theme}: ${element.textContent.trim()} ${ratio.toFixed(2)}`);
    const scale = isDrawn ? element.getScreenCTM() : { a: 1, b: 0 };
    const pixels = parseFloat(style.fontSize) * Math.hypot(scale.a, scale.b);
    if (pixels < 8) found.small.push(`${element.textContent.trim()} ${pixels.toFixed(1)}`);
  }
};
look("light");
for (const rule of document.styleSheets[0].cssRules) {
  if (rule.media?.mediaText.includes("dark")) rule.media.mediaText = "all";
}
look("dark");

const size = (table) => table.tBodies[0].rows.length;
const table = [...document.querySelectorAll("table")].sort((one, other) => size(other) - size(one))[0];
const column = () => [...table.tBodies[0].rows].map((row) => row.cells[0].dataset.key);
for (const header of table ? [table.tHead.rows[0].cells[0]] : []) {
  for (const direction of [1, 2]) {
    header.querySelector("button").click();
    found.sorted[header.getAttribute("aria-sort")] = column();
  }
}

parent.postMessage(found, "*");
}
</script>
"""
AROUND = """
<!DOCTYPE html><pre></pre>
<script>
const answers = [], frames = () => [...document.querySelectorAll("iframe")];
addEventListener("message", ({ data, source }) => {
  answers[frames().findIndex((frame) => frame.contentWindow === source)] = data;
  document.querySelector("pre").textContent = JSON.stringify(answers);
});
</script>
"""


# What makes the probe complain.
DAMAGE = "<style>h2 { color: #999 !important; min-width: 30rem } .facts dt { font-size: 6px }</style></head>"


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to open pages with")
def test_pages_are_read_and_used_in_a_browser(project: Project, tmp_path: Path) -> None:
    pages = [(project.folder / "artifacts" / name).read_text(encoding="utf-8") for name in PAGES]
    *whole, damaged = see([*pages, pages[0].replace("</head>", DAMAGE)], tmp_path)
    for seen in whole:
        assert seen["wide"] <= 0
        assert seen["unreadable"] == []
        assert seen["small"] == []
        ascending, descending = seen["sorted"]["ascending"], seen["sorted"]["descending"]
        assert sorted(ascending) == sorted(descending)
        assert ascending[0] == descending[-1]
    assert damaged["wide"] > 0
    assert any(words.startswith("light: Anomalies") for words in damaged["unreadable"])
    assert damaged["small"]


def see(pages: list[str], folder: Path) -> list[dict[str, Any]]:
    """What the probe finds on pages that are opened as files on a narrow screen."""
    frames = ""
    for place, page in enumerate(pages):
        path = folder / f"{place}.html"
        path.write_text(page.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
        frames += f'<iframe src="{path.as_uri()}" width="{TELEPHONE}" height="740" style="border:0"></iframe>'
    around = folder / "around.html"
    around.write_text(AROUND + frames, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=20000", "--dump-dom"]
    command = [str(BROWSER), *options, around.as_uri()]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    shown = re.search("<pre>(.*?)</pre>", finished.stdout, flags=re.DOTALL)
    assert shown, finished.stderr[-2000:]
    answers = json.loads(html.unescape(shown[1]) or "[]")
    assert len(answers) == len(pages)
    return list(answers)
