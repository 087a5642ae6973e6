"""The demo's question of the dashboards: what is missing is named, and a preview that fails is no silence."""

from __future__ import annotations

import os

import pytest
from native import dashboards

GONE = {"ELASTICSEARCH_URL": "http://127.0.0.1:1", "JAEGER_URL": "http://127.0.0.1:1"}


def test_every_panel_of_a_stack_that_is_gone_is_named() -> None:
    found = dashboards.empty_panels({**os.environ, **GONE}, 59.2)
    boards = {each.partition(": ")[0] for each in found}
    assert boards == set(dashboards.panels())
    assert all("error: Elasticsearch" in each or "error: Jaeger" in each for each in found)


def test_a_preview_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "PREVIEW", dashboards.PREVIEW / "nothing")
    (told,) = dashboards.empty_panels({**os.environ, **GONE}, 60)
    assert "can't open file" in told
