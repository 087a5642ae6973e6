"""Makes a bundle of what was gathered: a page to read, the check, what to do with both, and a zip of it all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment

from throughline import names
from throughline.records.bundle.checking import KEYS, MANIFEST, RECORDS, Bundle, Verdict, verdicts
from throughline.version import __version__

CHECK: Final = "check_bundle.py"
_PAGE: Final = "index.html"
_MOST_ROWS: Final = 10_000
_SAID: Final = (
    names.SYSTEM_INSTRUCTIONS,
    names.INPUT_MESSAGES,
    names.OUTPUT_MESSAGES,
    names.RETRIEVAL_QUERY_TEXT,
    names.RETRIEVAL_DOCUMENTS,
    names.TOOL_CALL_ARGUMENTS,
    names.TOOL_CALL_RESULT,
    names.CONTENT_SEALED,
)


def complete(folder: Path, keys: Path, selected: Mapping[str, Any], records: int) -> Iterator[Verdict]:
    """Add to the gathered files all that makes them a bundle; gives the verdict of each record."""
    (folder / KEYS).write_bytes(keys.read_bytes())
    (folder / CHECK).write_text(check_script(), encoding="utf-8")
    (folder / "README.txt").write_text(_source("README.txt"), encoding="utf-8")
    about = {"version": 1, "made": datetime.now(UTC).isoformat(), "by": f"throughline {__version__}"}
    about |= {"selected": dict(selected), "records": records}
    _write_manifest(folder, about)
    kept: list[Verdict] = []
    bundle = Bundle(folder)
    for verdict in verdicts(bundle):
        if len(kept) < _MOST_ROWS:
            kept.append(verdict)
        yield verdict
    _write_page(folder, bundle, kept, about)
    _write_manifest(folder, about)


def pack(folder: Path, out: Path) -> None:
    """Write the zip, whole or not at all; only its owner may read it."""
    descriptor, aside = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        Path(aside).replace(out)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def check_script() -> str:
    """The definition of the proof and the check of bundles as one file that needs `cryptography` alone."""
    check = _source("checking.py").replace("from __future__ import annotations\n", "")
    joined = check.replace("from throughline.records import proof\n", "proof = sys.modules[__name__]\n")
    return f"{_source('proof.py', 'throughline.records')}\n\n{joined}"


def _source(name: str, package: str = "throughline.records.bundle") -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.name != MANIFEST:
            with path.open("rb") as file:
                digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / MANIFEST).write_text(json.dumps({**about, "files": digests}, indent=1), encoding="utf-8")


def _write_page(folder: Path, bundle: Bundle, kept: list[Verdict], about: Mapping[str, Any]) -> None:
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_source("page.html"))
    rows = (_row(line, verdict) for (_, line), verdict in zip(bundle.lines(RECORDS), kept, strict=False))
    stream = template.stream(about=about, rows=rows, most=_MOST_ROWS)
    with (folder / _PAGE).open("w", encoding="utf-8") as page:
        stream.enable_buffering(50)
        page.writelines(stream)


def _row(line: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    document, attributes = line["document"], line["document"]["attributes"]
    content = (line["content"] or {}).get("attributes", {})
    read = attributes.get
    return {
        "id": line["id"],
        "when": _when(read(names.RECORD_TIME_UNIX_NANO)),
        "who": read(names.USER_ID),
        "session": read(names.CONVERSATION_ID) or read(names.SESSION_ID),
        "service": document["resource"]["attributes"].get(names.SERVICE_NAME),
        "what": read(names.OPERATION_NAME) or document.get("event_name"),
        "model": read(names.RESPONSE_MODEL) or read(names.REQUEST_MODEL),
        "prompt": " ".join(str(read(name)) for name in (names.PROMPT_NAME, names.PROMPT_VERSION) if read(name)),
        "input": read(names.USAGE_INPUT_TOKENS),
        "output": read(names.USAGE_OUTPUT_TOKENS),
        "cost": read(names.COST_AMOUNT),
        "currency": read(names.COST_CURRENCY),
        "outcome": read(names.ERROR_TYPE) or read(names.END_REASON) or "completed",
        "trace": document.get("trace_id"),
        "verdict": verdict,
        "said": [(name, _text(content[name])) for name in _SAID if name in content],
    }


def _when(nanoseconds: Any) -> str:
    if not isinstance(nanoseconds, int):
        return "?"
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
