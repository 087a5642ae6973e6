"""Erases what is one person's, step by step, so that a run which broke off can be run again; it asks and shows nothing.

What names him goes last of all: as long as anything of him is left, the next run finds it by his name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.blobs import Reference, Store
from throughline.records import proof
from throughline.records.erasing import belongings
from throughline.records.erasing.person import ERASED, Trail
from throughline.records.streams import CONTENTS, LOGS, RECORDS, REJECTED, SPANS, USER, Hit, Query, batches, hits

SHORT: Final = 4
"""An id of fewer characters is looked for as a whole value only: it stands in too many words."""
_STRIP: Final = """
boolean changed = false;
def attributes = ctx._source.attributes;
if (attributes != null) {
  for (name in params.names) {
    if (attributes.containsKey(name)) { attributes.remove(name); changed = true; }
  }
  if (params.whole) {
    Iterator entries = attributes.entrySet().iterator();
    while (entries.hasNext()) {
      String text = String.valueOf(entries.next().getValue());
      if (text.equals(params.user) || (params.user.length() >= params.short && text.contains(params.user))) {
        entries.remove();
        changed = true;
      }
    }
  }
}
if (params.whole) {
  if (ctx._source.containsKey('body')) { ctx._source.remove('body'); changed = true; }
  if (ctx._source.status instanceof Map && ctx._source.status.containsKey('message')) {
    ctx._source.status.remove('message');
    changed = true;
  }
}
if (!changed) { ctx.op = 'noop'; }
"""
_UNPROVED: Final = ("exception.stacktrace", names.REJECTED_DOCUMENT)
_PATIENCE: Final = 600  # seconds for a batch of large documents
_AT_ONCE: Final = 100  # documents, which may be large
_MOST_PASSES: Final = 20


class LeftError(Exception):
    """Something was not erased; says what, and quotes nothing of it."""


@dataclass(slots=True)
class Blobs:
    """References to content in a store, by digest."""

    alone: dict[str, Reference] = field(default_factory=dict)
    """Nobody else's record refers to it."""
    common: dict[str, Reference] = field(default_factory=dict)
    """Others' records refer to it, too: it stays."""
    elsewhere: dict[str, Reference] = field(default_factory=dict)
    """Outside the store that was named."""
    set_aside: set[str] = field(default_factory=set)
    """Records that are whole in a file of the Collector's: too large for Elasticsearch."""


class Erasure:
    """What is done about one trail. `tombstone` returns when these records' tombstones are there for all to verify."""

    def __init__(
        self, client: Elasticsearch, trail: Trail, store: Store | None, tombstone: Callable[[list[str]], None]
    ) -> None:
        self._client = client.options(request_timeout=_PATIENCE)
        self._trail, self._store, self._tombstone = trail, store, tombstone
        self.blobs = self._referred()

    def plan(self) -> dict[str, int]:
        """How much of each kind there is to be done."""
        trail = self._trail
        counted = {
            "records to forget whose they are": (RECORDS, belongings.by_record(trail)),
            "contents of records": (CONTENTS, belongings.by_record(trail)),
            "spans to strip": (SPANS, belongings.by_trace(trail)),
            "other logs to strip": (LOGS, belongings.by_trace(trail)),
            "spans of Jaeger's own": (belongings.JAEGER, belongings.in_jaeger(trail)),
            "rejected documents": (REJECTED, belongings.rejected(trail)),
        }
        plan = {name: sum(1 for _ in self._each(index, queries)) for name, (index, queries) in counted.items()}
        return {
            **plan,
            "contents in the store": len(self.blobs.alone),
        }

    def steps(self) -> Iterator[str]:
        """Erase; gives the name of each step when it is over."""
        trail = self._trail
        if trail.records:
            self._tombstone(sorted(trail.records))
        yield "tombstones"
        self._delete_blobs()
        yield "contents in the store"
        self._delete(belongings.JAEGER, belongings.in_jaeger(trail))
        yield "spans of Jaeger's own"
        self._delete(REJECTED, belongings.rejected(trail))
        self._delete(CONTENTS, belongings.by_record(trail))
        yield "contents of records"
        for named, step in ((False, "spans, logs and records that hang on his"), (True, "spans, logs and records")):
            for index in (LOGS, SPANS):
                self._strip(index, (_naming(query, named) for query in belongings.by_trace(trail)), whole=True)
            chosen = trail.named if named else trail.records.keys() - trail.named
            self._strip(RECORDS, (belongings.ids(batch) for batch in batches(sorted(chosen))), whole=False)
            yield step

    # --- contents in a store ----------------------------------------------------------------------------------------

    def _referred(self) -> Blobs:
        found: dict[str, Reference] = {}
        his: Counter[str] = Counter()
        set_aside: set[str] = set()
        for index, queries in ((CONTENTS, belongings.by_record), (SPANS, belongings.by_trace)):
            for hit in self._each(index, queries(self._trail), _STORED):
                references = {each.digest: each for each in _references(hit["_source"])}
                found.update(references)
                his.update(references.keys())
                if names.CONTENT_SET_ASIDE in hit["_source"].get("attributes", {}):
                    set_aside.add(hit["_id"])
        return self._sorted(found, his, set_aside)

    def _sorted(self, found: dict[str, Reference], his: Counter[str], set_aside: set[str]) -> Blobs:
        blobs = Blobs(set_aside=set_aside)
        for digest, reference in found.items():
            if self._store is None or reference.url != self._store.url_of(digest):
                blobs.elsewhere[digest] = reference
            elif self._count(f"{CONTENTS},{SPANS}", [_referring(reference)]) > his[digest]:
                blobs.common[digest] = reference
            else:
                blobs.alone[digest] = reference
        return blobs

    def _delete_blobs(self) -> None:
        """Look again who refers to them: somebody may have, since it was asked whether to go on."""
        if self.blobs.alone and self._store is not None:
            self.blobs = self._referred()
            for digest in self.blobs.alone:
                self._store.delete(digest)

    # --- documents --------------------------------------------------------------------------------------------------

    def _each(self, index: str, queries: Iterable[Query], source: Sequence[str] | bool = False) -> Iterator[Hit]:
        """Every document once; one query may find what another finds."""
        seen: set[str] = set()
        for hit in (hit for query in queries for hit in hits(self._client, index, query, source)):
            if hit["_id"] not in seen:
                seen.add(hit["_id"])
                yield hit

    def _count(self, index: str, queries: Iterable[Query]) -> int:
        counts = (self._client.count(index=index, query=query, ignore_unavailable=True) for query in queries)
        return sum(int(reply["count"]) for reply in counts)

    def _delete(self, index: str, queries: Iterable[Query]) -> None:
        for query in queries:
            self._until_done(
                lambda query=query: self._client.delete_by_query(  # type: ignore[misc]
                    index=index,
                    query=query,
                    conflicts="proceed",
                    refresh=True,
                    ignore_unavailable=True,
                    scroll_size=_AT_ONCE,
                ),
                index,
            )

    def _strip(self, index: str, queries: Iterable[Query], *, whole: bool) -> None:
        """Take out who and what was said; `whole`: also text that no chain proves, and each value that names him."""
        gone = [*ERASED, *(_UNPROVED if whole else ())]
        params = {"names": gone, "whole": whole, "user": self._trail.user, "short": SHORT}
        script = {"lang": "painless", "source": _STRIP, "params": params}
        for query in queries:
            self._until_done(
                lambda query=query: self._client.update_by_query(  # type: ignore[misc]
                    index=index,
                    query=query,
                    script=script,
                    conflicts="proceed",
                    refresh=True,
                    ignore_unavailable=True,
                    scroll_size=_AT_ONCE,
                ),
                index,
            )

    def _until_done(self, act: Callable[[], Any], index: str) -> None:
        """Again as long as somebody else changes the same documents."""
        for _ in range(_MOST_PASSES):
            reply = act()
            if reply["failures"]:
                raise LeftError(f"Elasticsearch could not change {len(reply['failures'])} documents of {index}")
            if not reply["version_conflicts"]:
                return
        raise LeftError(f"documents of {index} change all the time; run it again")


_REFERENCE: Final = f"attributes.{names.CONTENT_REF}"
_STORED: Final = (_REFERENCE, f"attributes.{names.CONTENT_SET_ASIDE}")


def _references(source: dict[str, Any]) -> Iterator[Reference]:
    found = source.get("attributes", {}).get(names.CONTENT_REF) or []
    for text in [found] if isinstance(found, str) else found:
        try:
            yield Reference.parsed(text)
        except ValueError:
            continue


def _referring(reference: Reference) -> Query:
    """What refers to the same content, under whichever attribute."""
    place = f"{reference.url}:{reference.digest}:{reference.size}"
    return {"terms": {_REFERENCE: [f"{name}:{place}" for name in proof.CONTENT]}}


def _naming(query: Query, named: bool) -> Query:
    """Of what is his, only what names anybody, or what does not."""
    naming = {"exists": {"field": USER}}
    return {"bool": {"filter": [query, naming]}} if named else {"bool": {"filter": [query], "must_not": [naming]}}
