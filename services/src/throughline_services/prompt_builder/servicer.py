"""The gRPC face of the prompt builder: decode, call, encode."""

from typing import Any

import grpc
from throughline.prompts import Prompt

from throughline_services.prompt_builder.building import Builder, Built, Wish
from throughline_services.runtime import ServiceError
from throughline_services.stubs import prompt_builder_pb2 as messages


class PromptBuilderServicer:
    """throughline.prompt_builder.v1.PromptBuilder"""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    async def Build(self, request: Any, _context: Any) -> Any:  # noqa: N802  # the contract's name
        wish = Wish(request.question, request.prompt_name, request.variant, request.top_k)
        return _encoded(await self._builder.build(wish))


def _encoded(built: Built) -> Any:
    return messages.BuildResponse(
        messages=[messages.Message(**message) for message in built.messages],
        passages=[
            messages.Passage(id=passage.id, title=passage.title, text=passage.text, score=passage.score)
            for passage in built.passages
        ],
        prompt=_identity(built.prompt),
        parameters=_parameters(built.prompt),
    )


def _identity(prompt: Prompt) -> Any:
    return messages.Prompt(
        name=prompt.name,
        version=str(prompt.version),
        variant=prompt.variant,
        template_hash=prompt.template_hash,
        variables=prompt.variables,
        experiment=prompt.experiment,
    )


def _parameters(prompt: Prompt) -> Any:
    """Those that a prompt's file may have and the contract has not would be lost without a word."""
    try:
        return messages.Parameters(**prompt.parameters)
    except (TypeError, ValueError) as error:
        known = ", ".join(messages.Parameters.DESCRIPTOR.fields_by_name)
        message = f"{prompt.name}/{prompt.version}.yaml: parameters that the model's caller takes are {known}"
        raise ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "PARAMETERS_UNKNOWN", message) from error
