"""Elasticsearch for the native stack: how its real binaries are fetched and how one node is run."""
