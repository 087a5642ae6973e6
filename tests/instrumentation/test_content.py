"""Content that is too large keeps its shape and its newest words, and says exactly what is missing."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from instrumentation.conformance import CONTENT_SCHEMAS
from throughline import names
from throughline.content import LEAST, OMITTED, encoded, limited

INPUT = names.INPUT_MESSAGES
SCHEMAS = {
    **CONTENT_SCHEMAS,
    names.MEMORY_RECORDS: "gen-ai-memory-records.json",
    names.TOOL_CALL_ARGUMENTS: "gen-ai-tool-call-arguments.json",
    names.TOOL_CALL_RESULT: "gen-ai-tool-call-result.json",
}


def said(*texts: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text} for text in texts]}


def texts_of(messages: Any) -> list[list[str]]:
    return [[part["content"] for part in message["parts"]] for message in messages]


def size(value: Any) -> int:
    return len(encoded(value).encode("utf-8", "surrogatepass"))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def at(content: Any, path: str) -> Any:
    """What stands at a path of a note."""
    name = next(name for name in SCHEMAS.keys() | {names.RETRIEVAL_QUERY_TEXT} if path.startswith(name))
    value = content[name]
    for key, position in re.findall(r"\.(\w+)|\[(\d+)\]", path.removeprefix(name)):
        value = value[key] if key else list(value.values() if isinstance(value, dict) else value)[int(position)]
    return value


# --- what is kept -------------------------------------------------------------------------------------------------


def test_what_fits_is_given_back_as_it_is() -> None:
    content = {INPUT: [said("word " * 100)], names.RETRIEVAL_QUERY_TEXT: "why?"}
    found, notes = limited(content, LEAST)
    assert found is content
    assert notes == []


@pytest.mark.parametrize(
    "text", ["word " * 400, '"\\' * 500, "\x1f\n" * 400, "é" * 900, "\u65e5\u672c" * 400, "😀" * 400]
)
def test_the_limit_is_exact_in_bytes_of_json(text: str) -> None:
    content = {INPUT: [said(text)]}
    assert limited(content, size(content[INPUT]))[0] is content
    found, (note,) = limited(content, size(content[INPUT]) - 1)
    ((kept,),) = texts_of(found[INPUT])
    assert text.startswith(kept)
    assert len(kept) < len(text)
    assert note == f"{INPUT}[0].parts[0].content:{len(text)}:{sha256(text)}"


def test_other_attributes_stay_whole() -> None:
    content = {INPUT: [said("x" * 5_000)], names.OUTPUT_MESSAGES: [{**said("y" * 900), "finish_reason": "stop"}]}
    found, notes = limited(content, 2_000)
    assert found[names.OUTPUT_MESSAGES] is content[names.OUTPUT_MESSAGES]
    assert len(notes) == 1


def test_only_as_much_is_cut_as_must_be() -> None:
    found, _ = limited({INPUT: [said("x" * 3_000_000)]}, 1_000_000)
    assert 999_000 < size(found[INPUT]) <= 1_000_000


def test_the_longest_texts_are_cut_first() -> None:
    found, notes = limited({INPUT: [said("a" * 9_000, "short", "b" * 12_000, "c" * 2_000)]}, 10_000)
    ((first, short, second, third),) = texts_of(found[INPUT])
    assert (short, third) == ("short", "c" * 2_000)
    assert abs(len(first) - len(second)) <= 1
    assert [note.split(":")[1] for note in notes] == ["9000", "12000"]
    assert size(found[INPUT]) > 9_700


def test_the_newest_messages_stay_whole_while_they_can() -> None:
    messages = [said("system " * 2_000, role="system"), *(said(f"{turn}" * 4_000) for turn in range(7))]
    found, notes = limited({INPUT: messages}, 20_000)
    assert found[INPUT][4:] == messages[4:]
    assert [note.split(":")[0] for note in notes] == [f"{INPUT}[{turn}].parts[0].content" for turn in range(4)]
    # Of those that are cut the newest keeps at least half of what is left, the others the same.
    oldest, older, old, newer = (len(text) for (text,) in texts_of(found[INPUT][:4]))
    assert max(oldest, older, old) - min(oldest, older, old) <= 1
    assert 1_600 < newer < 3_400
    assert newer > 2 * old


def test_a_huge_newest_message_leaves_the_small_ones_before_it_alone() -> None:
    messages = [*(said(f"{turn}" * 200) for turn in range(10)), said("document " * 10_000)]
    found, notes = limited({INPUT: messages}, 10_000)
    assert found[INPUT][:10] == messages[:10]
    assert [note.split(":")[0] for note in notes] == [f"{INPUT}[10].parts[0].content"]
    assert len(texts_of(found[INPUT])[10][0]) > 6_000


def test_a_huge_newest_message_is_not_given_up_for_many_old_ones() -> None:
    messages = [*(said(f"{turn:03}" * 3_000) for turn in range(400)), said("document " * 100_000)]
    found, _ = limited({INPUT: messages}, 100_000)
    assert len(found[INPUT][-1]["parts"][0]["content"]) > 20_000
    assert found[INPUT][0]["parts"][0]["count"] > 200


@pytest.mark.parametrize("name", [names.RETRIEVAL_DOCUMENTS, names.SYSTEM_INSTRUCTIONS])
def test_of_documents_and_parts_the_first_stay_whole(name: str) -> None:
    documents = [{"type": "text", "id": str(number), "content": f"{number}" * 4_000} for number in range(5)]
    found, notes = limited({name: documents}, 10_000)
    assert found[name][:2] == documents[:2]
    assert [note.split(":")[0] for note in notes] == [f"{name}[{number}].content" for number in (2, 3, 4)]


def test_a_single_text_is_cut_as_well() -> None:
    found, notes = limited({names.RETRIEVAL_QUERY_TEXT: "why " * 1_000}, LEAST)
    assert found[names.RETRIEVAL_QUERY_TEXT] == ("why " * 1_000)[: LEAST - 2]
    assert notes == [f"{names.RETRIEVAL_QUERY_TEXT}:4000:{sha256('why ' * 1_000)}"]


def test_short_strings_are_never_cut() -> None:
    """Types, roles, ids and addresses of media survive whatever stands beside them."""
    picture = {"type": "uri", "modality": "image", "uri": "sha256:" + "0" * 64, "size": 3_000_000}
    found, _ = limited({INPUT: [{"role": "user", "parts": [picture, *said("x" * 100_000)["parts"]]}]}, 100_000)
    assert found[INPUT][0]["parts"][0] == picture


# --- structures that are too large --------------------------------------------------------------------------------


def test_of_too_many_messages_the_oldest_are_left_out() -> None:
    messages = [said(str(number)) for number in range(50_000)]
    found, notes = limited({INPUT: messages}, 100_000)
    marker, *kept = found[INPUT]
    count = len(messages) - len(kept)
    assert kept == messages[count:]
    assert size(found[INPUT]) > 99_000
    left_out = encoded(messages[:count])
    assert marker["parts"] == [{"type": OMITTED, "count": count, "sha256": sha256(left_out)}]
    assert notes == [f"{INPUT}[0]:{len(left_out)}:{sha256(left_out)}"]


def test_of_too_many_documents_the_last_are_left_out() -> None:
    documents = [{"id": str(number), "score": 0.5} for number in range(5_000)]
    found, _ = limited({names.RETRIEVAL_DOCUMENTS: documents}, 10_000)
    *kept, marker = found[names.RETRIEVAL_DOCUMENTS]
    assert kept == documents[: len(kept)]
    assert marker["count"] == len(documents) - len(kept)


def test_of_too_many_parts_the_last_are_left_out() -> None:
    whole = said(*("a" for _ in range(5_000)))
    found, notes = limited({INPUT: [said("before"), whole]}, 10_000)
    *kept, marker = found[INPUT][-1]["parts"]
    assert kept == whole["parts"][: len(kept)]
    left_out = encoded(whole["parts"][len(kept) :])
    assert marker == {"type": OMITTED, "count": 5_000 - len(kept), "sha256": sha256(left_out)}
    assert f"{INPUT}[1].parts[{len(kept)}]:{len(left_out)}:{sha256(left_out)}" in notes


def test_of_a_newest_message_of_many_parts_all_are_kept_where_there_is_room() -> None:
    newest = said(*("a" * 20 for _ in range(120)), "x" * 20_000)
    found, notes = limited({INPUT: [said("y" * 20_000), newest]}, 10_000)
    assert found[INPUT][1]["parts"][:-1] == newest["parts"][:-1]
    assert f"{INPUT}[1].parts[120].content:20000:{sha256('x' * 20_000)}" in notes


def test_one_message_beyond_all_bounds_does_not_take_the_others_with_it() -> None:
    monster = {"role": "user", "parts": [], **{f"key {number}": number for number in range(5_000)}}
    found, notes = limited({INPUT: [said("before"), monster, said("after")]}, 10_000)
    assert (found[INPUT][0], found[INPUT][2]) == (said("before"), said("after"))
    assert found[INPUT][1]["parts"] == [{"type": OMITTED, "count": 1, "sha256": sha256(encoded([monster]))}]
    assert notes == [f"{INPUT}[1]:{len(encoded([monster]))}:{sha256(encoded([monster]))}"]


def test_a_part_beyond_all_bounds_does_not_take_the_others_with_it() -> None:
    monster = {"type": "odd", **{f"key {number}": number for number in range(5_000)}}
    message = {"role": "user", "parts": [*said("x" * 12_000)["parts"], monster, *said("after")["parts"]]}
    found, notes = limited({INPUT: [message]}, 10_000)
    first, second, third = found[INPUT][0]["parts"]
    assert "x" * 8_000 in first["content"]
    assert (second["type"], third["content"]) == (OMITTED, "after")
    assert [note.split(":")[0] for note in notes] == [f"{INPUT}[0].parts[1]", f"{INPUT}[0].parts[0].content"]


@pytest.mark.parametrize("count", [360, 10_000])
def test_a_large_structure_in_a_tools_answer_becomes_the_beginning_of_its_json(count: int) -> None:
    rows = [{"id": number, "name": f"row {number}"} for number in range(count)]
    part = {"type": "tool_call_response", "id": "call-1", "response": rows}
    found, notes = limited({INPUT: [said("x" * 900), {"role": "tool", "parts": [part]}]}, 10_000)
    kept = found[INPUT][1]["parts"][0]
    assert kept == {**part, "response": kept["response"]}
    assert encoded(rows).startswith(kept["response"])
    assert len(kept["response"]) > 5_000
    assert notes == [f"{INPUT}[1].parts[0].response:{len(encoded(rows))}:{sha256(encoded(rows))}"]


def test_a_tools_arguments_stay_an_object() -> None:
    for arguments in ({"rows": list(range(5_000))}, {f"key {number}": number for number in range(5_000)}):
        found, _ = limited({names.TOOL_CALL_ARGUMENTS: arguments}, LEAST)
        assert isinstance(found[names.TOOL_CALL_ARGUMENTS], dict)


def test_a_tools_parameters_stay_a_schema() -> None:
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "enum": ["a", "b"]} for n in range(300)}}
    tools = [{"type": "function", "name": f"tool-{number}", "parameters": schema} for number in range(3)]
    found, _ = limited({names.TOOL_DEFINITIONS: tools}, 20_000)
    assert found[names.TOOL_DEFINITIONS][0] == tools[0]
    assert all(isinstance(tool.get("parameters", {}), dict) for tool in found[names.TOOL_DEFINITIONS])


def test_no_key_of_the_content_is_in_a_note() -> None:
    part = {"type": "tool_call", "name": "save", "arguments": {"id": 1, "Ana Silva": {"diagnosis": "x" * 5_000}}}
    found, notes = limited({INPUT: [{"role": "assistant", "parts": [part]}]}, 2_000)
    assert notes == [f"{INPUT}[0].parts[0].arguments[1][0]:5000:{sha256('x' * 5_000)}"]
    assert at(found, notes[0].split(":")[0]) in "x" * 5_000
