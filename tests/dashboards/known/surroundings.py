"""What stands around the first twenty known calls, in their traces: steps, tools, agents, scores, what was said."""

from __future__ import annotations

from typing import Final

from dashboards.known.documents import Plain, at, began, document
from throughline import names

OPERATIONS: Final = "logs-genai.operation.otel-dashboards"
EVALUATIONS: Final = "logs-genai.evaluation.otel-dashboards"
CONTENTS: Final = "logs-genai.content.otel-dashboards"
FIRST: Final = range(1, 21)


def operations() -> list[Plain]:
    """For each call a prompt built and an answer processed; the first ten are an agent's, which used a tool."""
    found = []
    for number in FIRST:
        found.append(_operation("prompt-builder", number, 3000, "build_prompt", 0.001))
        found.append(_operation("postprocessor", number, 4000, "post_process", 0.004))
        if number <= 10:
            found.append(_operation("gateway", number, 5000, "execute_tool", 0.1, _tool(number)))
            agent = _agent(number)
            found.append(_operation("gateway", number, 6000, "invoke_agent", 1.0, agent))
    return found


def _agent(number: int) -> Plain:
    """In two conversations, in turn; the last run of all failed, after a call more, and nobody knows its cost."""
    made = {names.TOTAL_INFERENCE_CALLS: 2 if number == 10 else 1, names.TOTAL_TOOL_CALLS: 1}
    cost = {names.TOTAL_OUTPUT_TOKENS: 10, names.TOTAL_COST: 0.001} if number < 10 else {names.ERROR_TYPE: "ToolError"}
    return {names.AGENT_NAME: "desk", names.CONVERSATION_ID: f"talk {number % 2}"} | made | cost


def _tool(number: int) -> Plain:
    return {names.TOOL_NAME: "lookup"} | ({names.ERROR_TYPE: "ToolError"} if number == 10 else {})


def _operation(
    service: str, number: int, offset: int, operation: str, duration: float, more: Plain | None = None
) -> Plain:
    attributes = {names.OPERATION_NAME: operation, names.DURATION: duration, **(more or {})}
    identity = f"{number:032x}{offset + number:016x}"
    started = began(number - 1, number, duration)
    made = {names.RECORD_ID: identity, names.START_TIME_UNIX_NANO: started}
    event, time = names.OPERATION_DETAILS, at(number - 1, number)
    return document(service, identity, time, attributes | made, event=event, trace=f"{number:032x}")


def evaluations() -> list[Plain]:
    """Groundedness by code for all twenty, a user's rating of each, a judge's opinion of the first five."""
    found = []
    for number in FIRST:
        label = "pass" if number > 10 else "fail"
        found.append(_evaluation(number, 7000, "groundedness", number / 20, "code", label))
        found.append(_evaluation(number, 8000, "rating", float(number % 2), "user", "up" if number % 2 else "down"))
        if number <= 5:
            found.append(_evaluation(number, 9000, "helpfulness", 0.8, "judge", "good"))
    return found


def _evaluation(number: int, offset: int, name: str, value: float, source: str, label: str) -> Plain:
    trace, identity = f"{number:032x}", f"{offset + number:048x}"
    attributes = {
        names.RECORD_ID: identity,
        names.EVALUATION_NAME: name,
        names.EVALUATION_SCORE_VALUE: value,
        names.EVALUATION_SCORE_LABEL: label,
        names.EVALUATION_SOURCE: source,
        names.EVALUATION_SCORER: f"{name}/1",
        names.PROMPT_NAME: "help-desk",
        names.PROMPT_VERSION: "1",
        names.PROMPT_VARIANT: "concise" if number % 2 else "stepwise",
    }
    time = at(number - 1, 1000 + number)
    return document("postprocessor", identity, time, attributes, event=names.EVALUATION_RESULT, trace=trace)


def contents() -> list[Plain]:
    """Of the first twenty calls what was asked, found and answered, and why a score is what it is."""
    found = []
    for number in FIRST:
        question = {"role": "user", "parts": [{"type": "text", "content": f"question {number}"}]}
        answer = {"role": "assistant", "parts": [{"type": "text", "content": f"answer {number}"}]}
        said = {names.INPUT_MESSAGES: [question], names.OUTPUT_MESSAGES: [answer]}
        found.append(_content("llm-caller", number, f"{number:032x}{number:016x}", said))
        passages = [{"id": "lending", "score": number / 20, "content": f"passage {number}"}]
        sought = {names.RETRIEVAL_QUERY_TEXT: f"search {number}", names.RETRIEVAL_DOCUMENTS: passages}
        found.append(_content("prompt-builder", number, f"{number:032x}{1000 + number:016x}", sought))
        if number <= 10:
            used = {names.TOOL_CALL_ARGUMENTS: f"look up {number}", names.TOOL_CALL_RESULT: f"found {number}"}
            found.append(_content("gateway", number, f"{number:032x}{5000 + number:016x}", used))
        explained = {names.EVALUATION_EXPLANATION: f"because of {number}"}
        found.append(_content("postprocessor", number, f"{7000 + number:048x}", explained))
    return found


def _content(service: str, number: int, identity: str, said: Plain) -> Plain:
    attributes = {names.RECORD_ID: identity, **said}
    time = at(number - 1, number)
    return document(service, identity, time, attributes, trace=f"{number:032x}")
