"""What ends a command early: its message, what to do next and the exit code; no traceback ever reaches the user."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import typer
from elasticsearch import ApiError, TransportError
from rich.console import Console
from rich.text import Text

from throughline.cli import wording
from throughline.servers import without_logins

NOT_FOUND, BAD_INPUT, UNREACHABLE, FAULT, INTERRUPTED = 1, 2, 3, 70, 130


class CommandError(Exception):
    """A command cannot go on; `advice` says what to do next."""

    def __init__(self, message: str, advice: str, code: int) -> None:
        super().__init__(message)
        self.advice, self.code = advice, code


def not_found(message: str, advice: str) -> CommandError:
    """What was asked for is not there."""
    return CommandError(message, advice, NOT_FOUND)


def bad_input(message: str, advice: str) -> CommandError:
    """An argument, option or variable makes no sense."""
    return CommandError(message, advice, BAD_INPUT)


def unreachable(message: str, advice: str) -> CommandError:
    """A part of the stack does not answer."""
    return CommandError(message, advice, UNREACHABLE)


@contextmanager
def reported() -> Iterator[None]:
    """Turn what ends a command into a message on stderr and its exit code."""
    try:
        yield
    except CommandError as error:
        raise _exit(error) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # `throughline records --json | head`
        raise typer.Exit(0) from None
    except (ApiError, TransportError, httpx.HTTPError) as error:
        raise _exit(of_a_part(error)) from None
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")):  # its own way to end
            raise
        raise _exit(_unexpected(error)) from None


def _unexpected(error: Exception) -> CommandError:
    """A fault of ours. Neither its text nor the lines of a traceback are shown: they may quote content or a key."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno} in {last.name}"
    return CommandError(f"unexpected {type(error).__name__} at {place}", "please report this line", FAULT)


def of_a_part(error: Exception) -> CommandError:
    """The same for an error of Elasticsearch's or Jaeger's client."""
    if isinstance(error, ApiError):
        if error.status_code in (401, 403):
            advice = "set ELASTICSEARCH_API_KEY or ELASTICSEARCH_API_KEY_FILE to a key that may read the indices"
            return unreachable(f"Elasticsearch refuses: HTTP {error.status_code}", advice)
        reason = f"Elasticsearch cannot answer: HTTP {error.status_code} {error.message}"
        return unreachable(reason, "see `throughline doctor`")
    part, variable = (
        ("Jaeger", "JAEGER_URL") if isinstance(error, httpx.HTTPError) else ("Elasticsearch", "ELASTICSEARCH_URL")
    )
    kind = type(error).__name__
    return unreachable(
        f"{part} does not answer ({kind})", f"is it running, and is {variable} right? see `throughline doctor`"
    )


def _exit(error: CommandError) -> typer.Exit:
    console = Console(stderr=True, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), wording.printable(without_logins(str(error)))))
    console.print(Text.assemble(("next:  ", "bold"), error.advice))
    return typer.Exit(error.code)
