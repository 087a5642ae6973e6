"""The gRPC face of the prompt builder: decode, call, encode."""

from typing import Any

from throughline_services.prompt_builder.building import Builder, Built, Wish
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
        messages=[messages.Message(role=role, content=text) for role, text in built.messages.items()],
        passages=[
            messages.Passage(id=passage.id, title=passage.title, text=passage.text, score=passage.score)
            for passage in built.passages
        ],
        prompt=messages.Prompt(name=built.template.name, version=built.template.version, variant=built.variant.name),
    )
