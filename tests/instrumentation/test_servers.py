"""What is told of URLs, whichever client they come from."""

from __future__ import annotations

import pytest
from throughline.servers import server, without_login


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://api.example.test/v1", ("api.example.test", 443)),
        ("http://api.example.test", ("api.example.test", 80)),
        ("http://localhost:8000/v1", ("localhost", 8000)),
        ("wss://api.example.test", ("api.example.test", 443)),
        ("https://[::1]:8080/", ("::1", 8080)),
        ("https://ada:hunter2@api.example.test/v1", ("api.example.test", 443)),
        ("grpc://api.example.test", ("api.example.test", None)),
        ("https:///v1", (None, None)),
        ("api.example.test/v1", (None, None)),
        ("", (None, None)),
    ],
)
def test_host_and_port_are_all_that_is_told_of_a_server(url: str, found: tuple[str | None, int | None]) -> None:
    assert server(url) == found


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://ada:hunter2@db.test/notes", "postgres://db.test/notes"),
        ("https://hunter2@db.test", "https://db.test"),
        ("https://ada:hunt@er2@db.test", "https://db.test"),
        ("https://db.test/ada@example.test", "https://db.test/ada@example.test"),
        ("mailto:ada@example.test", "mailto:ada@example.test"),
        ("file:///notes.txt", "file:///notes.txt"),
    ],
)
def test_a_login_is_left_out(url: str, told: str) -> None:
    assert without_login(url) == told
