"""Leaves these tests uncollected where aiobotocore is not: it allows only a botocore of its own, so both are never."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("aiobotocore") else ["test_*.py"]
