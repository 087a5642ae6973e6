"""Content cut down to a size, as JSON of the conventions' shapes; it neither masks nor stores anything.

What is longer than the limit loses text from its longest strings first, and from the newest messages last: what is old
was recorded when it was new. No message disappears: where even the structure is too large, a part tells how many are
left out, and their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any

from throughline import names

LEAST = 1_000
"""No limit may be smaller, in bytes."""
OMITTED = "throughline.omitted"
"""Type of the part that stands for what is left out: `count` of them, and `sha256` of their JSON."""

_MARKER = 200  # bytes of a marker with all that must stand around it, or a few more
_MOST_WRITTEN = 6  # bytes that one character may take in JSON: \u001f
_MESSAGES = (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES)
# Under these keys the schemas want a structure; under any other key of a part a text may stand for one.
_SHAPED = frozenset({"parts", "metadata", "server_tool_call", "server_tool_call_response"})
_NAMED = _SHAPED | {"arguments", "content", "description", "id", "name", "parameters", "response", "role", "uri"}

encoded = json.JSONEncoder(default=str, ensure_ascii=False, separators=(",", ":")).encode
"""Content as the JSON text that spans carry."""


def limited(content: Mapping[str, Any], most: int) -> tuple[Mapping[str, Any], list[str]]:
    """The content with each attribute in at most `most` bytes of JSON, and a note of each cut:
    `path:original length in characters:SHA-256 of the original`.

    Nothing that is given is changed; the very content where all of it fits. A path leads to what is left in place of
    the original. Keys that the conventions do not know stand in it as positions: they may be content themselves.
    """
    notes: list[str] = []
    cut = {}
    for name, value in content.items():
        if not _fits(value, most):
            cut[name], notes_of_it = _Limit(name, most).applied(value)
            notes += notes_of_it
    return ({**content, **cut} if cut else content), notes


def weight(whole: Any) -> tuple[int, int, int]:
    """Characters of ASCII strings and of others, and the number of other values: what is known without writing JSON.

    The JSON takes at least one byte for each of the three, and at most 6, 6 and 25.
    """
    plain = wide = other = 0
    waiting = [whole]
    for value in waiting:  # which grows meanwhile
        kind = type(value)
        if kind is str:
            if value.isascii():
                plain += len(value) + 1
            else:
                wide += len(value) + 1
            continue
        other += 1
        if kind is list:
            waiting += value
        elif kind is dict:
            waiting += value
            waiting += value.values()
        elif kind is int:
            other += value.bit_length() // 60
        elif value is not None and kind is not bool and kind is not float:
            other += len(encoded(value)) // 8
    return plain, wide, other


def _fits(value: Any, most: int) -> bool:
    plain, wide, other = weight(value)
    if _MOST_WRITTEN * (plain + wide) + 25 * other <= most:
        return True
    return plain + wide + other <= most and _size(value) <= most


def _size(value: Any) -> int:
    return len(_bytes(encoded(value)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _digest(text: str) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()


def _note(path: str, original: str) -> str:
    return f"{path}:{len(original)}:{_digest(original)}"


def beginning(text: str, most: int) -> str:
    """As much of the text as takes at most `most` bytes inside a JSON string, never half a character."""
    kept = text[:most]
    written = _bytes(encode_basestring(kept)[1:-1])
    if len(written) > most:
        while written[most] & 0xC0 == 0x80:  # inside a character
            most -= 1
        kept = _read(written[:most].decode("utf-8", "surrogatepass"))
    return kept[:-1] if "\ud800" <= kept[-1:] <= "\udbff" else kept


def _read(written: str) -> str:
    """The text that is written like this, without the escape of which the end may be missing."""
    for end in range(len(written), len(written) - _MOST_WRITTEN, -1):
        with suppress(ValueError):
            return str(json.loads(f'"{written[:end]}"'))
    return ""


@dataclass(slots=True)
class _Text:
    """A string that may be cut, taken out of the copy of its item."""

    holder: Any
    key: Any
    path: str
    whole: str
    size: int
    """Bytes as JSON, without quotes; of a string longer than the limit, at least so many."""
    given: int
    """How many of them it may keep."""


@dataclass(slots=True)
class _Item:
    """A message, part or document: a copy, and its long strings."""

    box: list[Any]
    texts: list[_Text] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Path and JSON of what is not in the copy."""
    size: int = 0

    @property
    def spare(self) -> int:
        return sum(text.size - text.given for text in self.texts)

    @property
    def least(self) -> int:
        return self.size - self.spare

    def cut(self, path: str) -> Iterator[str]:
        """Put back what each string may keep; yield a note of each that lost something."""
        for inner, original in self.left_out:
            yield _note(path + inner, original)
        for text in self.texts:
            whole = text.given >= text.size
            text.holder[text.key] = text.whole if whole else beginning(text.whole, text.given)
            if not whole:
                yield _note(path + text.path, text.whole)


class _Limit:
    """Cuts one attribute, or the parts of one message, to `most` bytes."""

    def __init__(self, name: str, most: int, shortest: int | None = None) -> None:
        self.name, self.most = name, most
        # Shorter strings are left alone: their rest would say little, and the note of it would be as long.
        self.shortest = shortest or min(1_024, max(64, most // 256))

    def applied(self, value: Any) -> tuple[Any, list[str]]:
        """The value cut, and the notes of it."""
        if isinstance(value, (list, tuple)):
            kept = self._list(value)
            notes = [note for index, item in enumerate(kept) for note in item.cut(f"{self.name}[{index}]")]
            return [item.box[0] for item in kept], notes
        item = self._item(value, self.most)
        _share([item], self.most - item.least)
        notes = list(item.cut(self.name))
        return item.box[0], notes

    def _list(self, values: Sequence[Any]) -> list[_Item]:
        newest_last, room = self.name in _MESSAGES, self.most - _MARKER
        kept = self._kept(reversed(values) if newest_last else values, room)
        _share(kept, room - sum(item.least + 1 for item in kept))
        missing = len(values) - len(kept)
        if newest_last:
            kept.reverse()
            return [self._marker(values[:missing]), *kept] if missing else kept
        return [*kept, self._marker(values[-missing:])] if missing else kept

    def _kept(self, values: Iterable[Any], room: int) -> list[_Item]:
        """From the most important on: as many as fit whole or, with their strings cut, in half of the room."""
        kept: list[_Item] = []
        size = least = 0
        for value in values:
            item = self._item(value, room)
            size, least = size + item.size + 1, least + item.least + 1
            if kept and size > room and least > room // 2:
                break
            kept.append(item)
        return kept

    def _item(self, value: Any, room: int) -> _Item:
        item = self._copied(value)
        parts = value.get("parts") if isinstance(value, dict) and self.name in _MESSAGES else None
        if item.least >= room and isinstance(parts, (list, tuple)):
            item = self._with_fewer_parts(value, parts, room)
        return item if item.least < room else self._marker([value])

    def _with_fewer_parts(self, message: dict[str, Any], parts: Sequence[Any], room: int) -> _Item:
        bare = {**message, "parts": []}
        room -= _size(bare) + _MARKER
        inner = _Limit("", self.most, self.shortest)
        kept = inner._kept(parts, room)
        if len(kept) < len(parts):
            kept.append(inner._marker(parts[len(kept) :]))
        bare["parts"] = [item.box[0] if item.left_out else part for item, part in zip(kept, parts, strict=False)]
        found = self._copied(bare)
        for index, item in enumerate(kept):
            found.left_out += ((f".parts[{index}]{path}", text) for path, text in item.left_out)
        return found

    def _marker(self, values: Sequence[Any]) -> _Item:
        """In place of what is left out."""
        text = encoded(list(values))
        part: dict[str, Any] = {"type": OMITTED, "count": len(values), "sha256": _digest(text)}
        match self.name:
            case names.INPUT_MESSAGES:
                part = {"role": "omitted", "parts": [part]}
            case names.OUTPUT_MESSAGES:
                part = {"role": "omitted", "parts": [part], "finish_reason": "omitted"}
            case names.TOOL_DEFINITIONS:
                part["name"] = "omitted"
            case names.MEMORY_RECORDS:
                part = {"content": part}
        return _Item([part], left_out=[("", text)], size=_MARKER)

    def _copied(self, value: Any) -> _Item:
        item = _Item([value])
        self._visit(item, item.box, 0, "", shaped=True)
        item.size = _size(item.box[0]) + sum(text.size for text in item.texts)
        return item

    def _visit(self, item: _Item, holder: Any, key: Any, path: str, *, shaped: bool) -> None:
        """Replace what stands at `key` by a copy, without its long strings."""
        value = holder[key]
        if isinstance(value, str):
            self._take(item, holder, key, path, value)
        if not isinstance(value, (dict, list, tuple)):
            return
        holder[key] = copy = dict(value) if isinstance(value, dict) else list(value)
        pairs = copy.items() if isinstance(copy, dict) else enumerate(copy)
        for position, (name, inner) in enumerate(pairs):
            step = f"{path}.{name}" if name in _NAMED else f"{path}[{position}]"
            stays = isinstance(copy, list) or name in _SHAPED
            if shaped and not stays and name != "parameters" and isinstance(inner, (dict, list, tuple)):
                self._visit_field(item, copy, name, step)
            else:
                self._visit(item, copy, name, step, shaped=shaped and stays)

    def _visit_field(self, item: _Item, holder: Any, key: Any, path: str) -> None:
        """A structure in a place of any type: too large even with its strings cut, it becomes the text of its JSON."""
        value, known = holder[key], len(item.texts)
        self._visit(item, holder, key, path, shaped=False)
        if _size(holder[key]) + self.shortest * (len(item.texts) - known) > self.most // 4:
            del item.texts[known:]
            self._take(item, holder, key, path, encoded(value))

    def _take(self, item: _Item, holder: Any, key: Any, path: str, text: str) -> None:
        if len(text) * _MOST_WRITTEN <= self.shortest:
            return
        size = len(text) if len(text) > self.most else len(_bytes(encode_basestring(text))) - 2
        if size > self.shortest:
            holder[key] = ""
            item.texts.append(_Text(holder, key, path, text, size, self.shortest))


def _share(items: Sequence[_Item], budget: int) -> None:
    """Hand out bytes: to items as wholes while it is enough, to the next half of the rest, to the others by length."""
    for position, item in enumerate(items):
        if item.spare > budget:
            budget -= _level([text for later in items[position + 1 :] for text in later.texts], budget // 2)
            _level(item.texts, budget)
            return
        budget -= item.spare
        for text in item.texts:
            text.given = text.size


def _level(texts: Sequence[_Text], budget: int) -> int:
    """Cut the longest strings to the same length, so that the others may stay; how much of the budget that took."""
    left = budget
    for position, text in enumerate(sorted(texts, key=lambda text: text.size)):
        more = min(text.size - text.given, left // (len(texts) - position))
        text.given += more
        left -= more
    return budget - left
