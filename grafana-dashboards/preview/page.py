"""The page beside the pictures: each board with what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment

from preview import theme
from preview.frames import Plain
from preview.opening import Shown

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Dashboards</title>
<style>
  body { background: {{ page }}; color: {{ text }}; font: 15px sans-serif; margin: 2em auto; max-width: 1600px; }
  a { color: {{ link }}; } img { max-width: 100%; } .error { color: {{ alarm }}; } .none { color: {{ faint }}; }
</style>
<nav>{% for name, board in boards.items() %}<a href="#{{ name }}">{{ board.title }}</a> {% endfor %}</nav>
{% for name, board in boards.items() %}
<h2 id="{{ name }}">{{ board.title }}</h2>
<ul>{% for shown in drawn[name] if shown.why_nothing %}
  <li class="{{ 'error' if shown.error else 'none' }}">{{ shown.panel.title }}: {{ shown.why_nothing }}</li>{% endfor %}
</ul>
<a href="{{ name }}.png"><img src="{{ name }}.png" alt="{{ board.title }}"></a>
{% endfor %}
</html>
"""


def write_page(folder: Path, boards: Mapping[str, Plain], drawn: Mapping[str, Sequence[Shown]]) -> Path:
    """Write index.html; its path."""
    colours = {"page": theme.PAGE, "text": theme.TEXT, "link": theme.LINK, "alarm": theme.ALARM, "faint": theme.FAINT}
    file = folder / "index.html"
    template = Environment(autoescape=True).from_string(_PAGE)
    file.write_text(template.render(boards=boards, drawn=drawn, **colours))
    return file
