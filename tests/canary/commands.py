"""What the command line says, asked rightly and wrongly, with secrets in its settings; it checks none of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from canary.ground import Ground
from canary.planted import LOGIN, SECRETS
from throughline.cli.application import application
from throughline.records.keys import Purpose
from typer.testing import CliRunner

Said = Iterator[tuple[str, bytes]]
NOWHERE = f"http://{LOGIN}@127.0.0.1:1"


def said(ground: Ground) -> Said:
    """All of it, by the command and how it ended."""
    masked, sealed = (application.traces for application in ground.applications)
    for trace_id in (masked["asks"], masked["is_refused"], sealed["asks"], sealed["rates"]):
        yield _said(ground, "trace", trace_id, "--full")
    yield _said(ground, "trace", masked["uses_a_tool"], "--json")
    for arguments in (["records"], ["records", "--json"], ["top", "--by", "model"], ["spool"], ["keys", "list"]):
        yield _said(ground, *arguments)
    ended = ground.command("verify")
    yield f"verify → {ended.returncode}", (ended.stdout + ended.stderr).encode()
    yield from _asked_wrongly(ground, sealed["asks"])


def _asked_wrongly(ground: Ground, trace_id: str) -> Said:
    """Files that hold something else, and addresses that hold a login."""
    wrong = ground.run.parent / "wrong"  # beside what is searched
    wrong.write_text("\n".join(SECRETS.values()))
    for variable in ("ELASTICSEARCH_URL", "JAEGER_URL"):
        yield _said(ground, "trace", trace_id, **{variable: NOWHERE})
        yield _said(ground, "trace", trace_id, **{variable: NOWHERE.removeprefix("http://")})
    yield _said(ground, "records", ELASTICSEARCH_API_KEY_FILE=str(wrong))
    yield _said(ground, "records", ELASTICSEARCH_CA_FILE=str(wrong))
    yield _said(ground, "keys", "list", "--list", str(wrong))
    yield _said(ground, "keys", "rotate", str(wrong))
    yield _said(ground, "verify", "--keys", str(wrong))
    yield _said(ground, "verify", "--anchor", f"ftp://{LOGIN}@127.0.0.1:1/anchor")
    yield _said(ground, "open", trace_id, "--key", str(wrong), "--reason", "a test")
    yield _said(ground, "open", trace_id, "--key", str(ground.evidence.key(Purpose.SIGNING)), "--reason", "a test")
    yield _said(ground, "spool", "--folder", str(ground.run / "none"), THROUGHLINE_SPOOL_KEY_FILE=str(wrong))
    yield _said(ground, "spool", "send", "--wait", "0.1", THROUGHLINE_SPOOL_KEY_FILE=str(wrong))
    addresses = dict.fromkeys(("ELASTICSEARCH_URL", "JAEGER_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"), NOWHERE)
    keyed = {"THROUGHLINE_MASK_MODE": "pseudonym", "THROUGHLINE_MASK_KEY": "kanarie"}
    settings = {"OPENAI_API_KEY": SECRETS["api_key"], "OPENAI_BASE_URL": NOWHERE, "GRAFANA_URL": NOWHERE}
    yield _said(ground, "doctor", **addresses, **keyed, **settings)


def _said(ground: Ground, *arguments: str, **variables: str) -> tuple[str, bytes]:
    ended = CliRunner().invoke(application, arguments, env={**ground.variables, **variables})
    error = ended.exception
    crash = traceback.format_exception(error) if error and not isinstance(error, SystemExit) else []
    text = "".join((ended.stdout, ended.stderr, *crash))
    return f"{' '.join(arguments)} → {ended.exit_code if not crash else 'crash'}", text.encode()
