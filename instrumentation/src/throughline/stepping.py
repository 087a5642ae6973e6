"""Generators whose steps run inside an operation while their caller stays outside. The one place that attaches so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context


def stepped(source: Iterator[Any], inside: Context) -> Iterator[Any]:
    """The same items, each step in this context; between the steps the caller has his own."""
    end = object()
    while True:
        token = context.attach(inside)
        try:
            item = next(source, end)
        finally:
            context.detach(token)
        if item is end:
            return
        try:
            yield item
        except GeneratorExit:
            if isinstance(source, GeneratorType):
                source.close()
            raise


async def stepped_async(source: AsyncIterator[Any], inside: Context) -> AsyncIterator[Any]:
    """The same for an async one."""
    end = object()
    while True:
        token = context.attach(inside)
        try:
            item = await anext(source, end)
        except GeneratorExit:  # thrown in by whoever freed the generator, in his context
            raise
        except BaseException:
            context.detach(token)
            raise
        context.detach(token)
        if item is end:
            return
        try:
            yield item
        except GeneratorExit:
            if isinstance(source, AsyncGeneratorType):
                await source.aclose()
            raise
