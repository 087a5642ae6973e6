"""Turns a settings class and a coroutine into a command with `--help`, exit codes and a quiet Ctrl-C; not a server."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from throughline_services.runtime.settings import ServiceSettings


class StartupError(Exception):
    """What the command needs is not there; the message says what to do."""


Settings = TypeVar("Settings", bound=ServiceSettings)


def run(
    settings_type: type[Settings], serve: Callable[[Settings], Awaitable[None]], arguments: Sequence[str] | None = None
) -> None:
    """Exit codes: 0 stopped as asked, 1 could not do its work, 2 wrong flags or environment."""
    settings = read_settings(settings_type, (serve.__doc__ or "").strip(), arguments)
    _log(settings.log_level)
    try:
        asyncio.run(_awaited(serve(settings)))
    except KeyboardInterrupt:
        sys.exit(130)
    except StartupError as error:
        sys.exit(str(error))


def _log(level: str) -> None:
    """The level is that of our own packages: below WARNING, client libraries write whole requests, content included."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)  # it warns of each attempt with a stack trace
    for package in ("throughline", "throughline_services"):
        logging.getLogger(package).setLevel(level)


async def _awaited(work: Awaitable[None]) -> None:
    await work


def read_settings(settings_type: type[Settings], purpose: str, arguments: Sequence[str] | None) -> Settings:
    """Flags win over the environment, which wins over defaults."""
    parser = argparse.ArgumentParser(description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, field in settings_type.model_fields.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", dest=name, metavar="VALUE", help=_help(field), default=argparse.SUPPRESS
        )
    flags = vars(parser.parse_args(arguments))
    try:
        return settings_type(**flags)
    except ValidationError as error:
        complaints = [_complaint({**detail}) for detail in error.errors(include_input=False)]
        parser.exit(2, "".join(f"{parser.prog}: {complaint}\n" for complaint in complaints))


def _help(field: FieldInfo) -> str:
    default = "unset" if field.default is None else f"default {field.default}"
    text = f"{field.description} ({field.validation_alias}, {default})"
    return text.replace("%", "%%")


def _complaint(detail: Mapping[str, Any]) -> str:
    """Names the variable, never its value: it may be a key."""
    return ": ".join([*(str(part) for part in detail["loc"]), detail["msg"]])
