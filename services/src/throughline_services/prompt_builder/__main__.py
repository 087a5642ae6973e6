"""The command throughline-prompt-builder."""

from throughline_services.prompt_builder.building import Builder, opened
from throughline_services.prompt_builder.retrieval import Corpus, connect
from throughline_services.prompt_builder.servicer import PromptBuilderServicer
from throughline_services.prompt_builder.settings import PromptBuilderSettings
from throughline_services.runtime import run, serve_grpc
from throughline_services.stubs import prompt_builder_pb2, prompt_builder_pb2_grpc

SERVICE = prompt_builder_pb2.DESCRIPTOR.services_by_name["PromptBuilder"].full_name


async def serve(settings: PromptBuilderSettings) -> None:
    """Serves throughline.prompt_builder.v1: finds passages for a question and renders the prompt."""
    prompts = opened(settings)
    async with connect(settings) as client:
        servicer = PromptBuilderServicer(Builder(prompts, Corpus(client, settings), settings))
        await serve_grpc(
            settings,
            settings.listen,
            lambda server: prompt_builder_pb2_grpc.add_PromptBuilderServicer_to_server(servicer, server),
            [SERVICE],
        )


def main() -> None:
    run(PromptBuilderSettings, serve)


if __name__ == "__main__":
    main()
