"""The claims desk, an agent: asks the model, runs the tools that it wants, asks it again; knows no gRPC message."""

import json
from typing import Any

import throughline

from throughline_services.llm_caller import claims
from throughline_services.llm_caller.calling import Completion, Model, Prompt, Usage, completed

NAME = "claims-desk"
MOST_TURNS = 4


class ClaimsDesk:
    """Answers questions on the state of a claim; its answers come whole, as only the last turn is one."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def answer(self, prompt: Prompt) -> Completion:
        """The model's last word, with the usage of all turns."""
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in prompt.messages]
        usage: Usage | None = None
        with throughline.agent(NAME):
            for _ in range(MOST_TURNS):
                reply = await self._model.ask(prompt, messages=messages, tools=[claims.TOOL])
                completion = completed(reply)
                usage = completion.usage = _sum(usage, completion.usage)
                said = reply.choices[0].message
                if not said.tool_calls:
                    break
                messages += [said.model_dump(include={"role", "content", "tool_calls"})]
                messages += [await _run(call) for call in said.tool_calls]
        return completion


async def _run(call: Any) -> dict[str, Any]:
    """What a tool says, or that it failed, as the message that the model gets."""
    arguments = _arguments(call.function.arguments)
    try:
        with throughline.tool(call.function.name, call_id=call.id, arguments=arguments) as ran:
            told = ran.result = await claims.status(str(arguments.get("number", "")))
    except claims.ClaimUnreadableError:
        told = "The state of this claim cannot be read at present."
    return {"role": "tool", "tool_call_id": call.id, "content": told}


def _arguments(text: str) -> dict[str, Any]:
    """Models also write what is no JSON object; the tool then finds nothing."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sum(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cached_input_tokens + other.cached_input_tokens,
        one.reasoning_output_tokens + other.reasoning_output_tokens,
    )
