"""psycopg is not among what the tests install; where it is put beside pgvector, these tests run."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("psycopg") is None:
    collect_ignore_glob = ["test_*.py"]
