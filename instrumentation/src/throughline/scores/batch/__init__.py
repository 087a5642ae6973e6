"""Scores of answers that are stored already: read page by page, scored, and recorded as evaluations, each once."""
