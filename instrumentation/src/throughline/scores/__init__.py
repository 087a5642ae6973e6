"""Scores of answers: checks by code, and judges that ask a model. It stores nothing; `throughline score` does."""

from throughline.scores.answers import Answer, Check, Score, evaluated, record
from throughline.scores.checks import format_valid, groundedness, length, length_within, refusal
from throughline.scores.judging import Judge
from throughline.scores.rubrics import FAITHFULNESS, HELPFULNESS, Rubric
from throughline.scores.sampling import chosen
from throughline.scores.structure import json_matching, json_valid

__all__ = [
    "FAITHFULNESS",
    "HELPFULNESS",
    "Answer",
    "Check",
    "Judge",
    "Rubric",
    "Score",
    "chosen",
    "evaluated",
    "format_valid",
    "groundedness",
    "json_matching",
    "json_valid",
    "length",
    "length_within",
    "record",
    "refusal",
]
