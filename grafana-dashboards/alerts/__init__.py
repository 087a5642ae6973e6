"""The alert rules: what wakes somebody, and where he reads what to do; whom it wakes, Grafana's contact points say."""

from __future__ import annotations

from typing import Final

from alerts import evidence, objectives, pipeline
from alerts.rule import Rule

RULES: Final[tuple[Rule, ...]] = (*objectives.RULES, *evidence.RULES, *pipeline.RULES)
