"""A page as a headless Chromium shows it, and what is wrong with a Grafana dashboard on it; it knows no board."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 30_000
"""How long a page may take by its own clock, which runs ahead while nothing happens."""


def shown(url: str, width: int, height: int, screenshot: Path) -> str:
    """The page's DOM once it has come to rest; its picture is left in the file."""
    assert CHROMIUM, "no Chromium"
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        f"--user-data-dir={screenshot.parent / 'browser'}",
        f"--window-size={width},{height}",
        f"--virtual-time-budget={PATIENCE_MS}",
    ]
    screenshot.unlink(missing_ok=True)
    subprocess.run([*command, f"--screenshot={screenshot}", url], check=True, capture_output=True, timeout=110)
    done = subprocess.run([*command, "--dump-dom", url], check=True, capture_output=True, timeout=110, text=True)
    assert screenshot.exists(), done.stderr[-2000:]
    return done.stdout


class _Page(HTMLParser):
    """Collects test ids, by which Grafana marks the parts of a page, and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[str] = []
        self.texts: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in {"script", "style"}
        self.marks += [str(value).removeprefix("data-testid ") for name, value in attrs if name == "data-testid"]

    def handle_endtag(self, _: str) -> None:
        self._is_code = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._is_code:
            self.texts.append(" ".join(data.split()))


def complaints(dom: str, titles: Iterable[str], nothing: Iterable[str] = ()) -> list[str]:
    """What is wrong: a panel that is not there, an error's mark, a text that says there is no data.

    `nothing` are the boards' own texts for that.
    """
    page = _Page()
    page.feed(dom)
    missing = [f"not drawn: {title}" for title in titles if f"Panel header {title}" not in page.marks]
    errors = [f"a panel shows an error: {mark}" for mark in page.marks if mark.startswith("Panel status error")]
    failed = [f"a panel shows: {mark}" for mark in page.marks if mark in {"Panel data error message", "Alert error"}]
    silent = sorted({"No data", *nothing} & set(page.texts))
    return [*missing, *errors, *failed, *(f"a panel says: {text}" for text in silent)]
