"""What a part of the stack is: a command, its environment, how one sees that it is ready; it starts nothing."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

Check = Callable[[], bool]


class MissingError(Exception):
    """Something that must be installed is not; the message says what and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One child process. Without `ready` it is a step: done when it has ended with exit code 0, and then gone."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()  # what must be ready before it starts
    feeds: tuple[str, ...] = ()  # what it delivers to: they may start later, but stop after it
    ready: Check | None = None
    deadline: float = 60.0  # seconds from its start until it must be ready
    grace: float = 10.0  # seconds from SIGTERM until SIGKILL
    folder: Path | None = None  # where it runs, if not where the launcher does
    prepare: Callable[[], None] = lambda: None

    @property
    def is_step(self) -> bool:
        """Whether it is meant to end by itself."""
        return self.ready is None


def http(url: str, context: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None) -> Check:
    """Ready when a GET of the URL answers 200."""
    request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310 - the launcher's own addresses

    def check() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=2, context=context) as answer:  # noqa: S310 - likewise
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    return check


def grpc_health(address: str) -> Check:
    """Ready when the standard gRPC health service at host:port says SERVING."""

    def check() -> bool:
        import grpc
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        try:
            with grpc.insecure_channel(address) as channel:
                answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return check
