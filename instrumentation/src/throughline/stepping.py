"""Generators whose steps run inside an operation while their caller stays outside. The one place that attaches so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context

_END = object()


def stepped(source: Iterator[Any], inside: Context, *, only_first: bool) -> Iterator[Any]:
    """The same items, each step in this context; between the steps the caller has his own.

    `only_first`: just the first step, in which a client asks; after it, it only reads what comes.
    """
    while True:
        token = context.attach(inside)
        try:
            item = next(source, _END)
        finally:
            context.detach(token)
        if item is _END:
            return
        try:
            yield item
        except GeneratorExit:
            if isinstance(source, GeneratorType):
                source.close()
            raise
        if only_first:
            yield from source
            return


async def stepped_async(source: AsyncIterator[Any], inside: Context, *, only_first: bool) -> AsyncIterator[Any]:
    """The same for an async one."""
    try:
        while True:
            token = context.attach(inside)
            try:
                item = await anext(source, _END)
            except GeneratorExit:  # thrown in by whoever freed the generator, in his context
                raise
            except BaseException:
                context.detach(token)
                raise
            context.detach(token)
            if item is _END:
                return
            yield item
            if only_first:
                async for item in source:
                    yield item
                return
    except GeneratorExit:
        if isinstance(source, AsyncGeneratorType):
            await source.aclose()
        raise
