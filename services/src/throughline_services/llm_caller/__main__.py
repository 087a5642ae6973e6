"""The command throughline-llm-caller."""

from openai import AsyncOpenAI

from throughline_services.llm_caller.calling import Model
from throughline_services.llm_caller.servicer import LlmCallerServicer
from throughline_services.llm_caller.settings import LlmCallerSettings
from throughline_services.runtime import run, serve_grpc
from throughline_services.stubs import llm_caller_pb2, llm_caller_pb2_grpc

SERVICE = llm_caller_pb2.DESCRIPTOR.services_by_name["LlmCaller"].full_name


def client(settings: LlmCallerSettings) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=settings.base_url, api_key=settings.api_key.get_secret_value(), max_retries=settings.max_retries
    )


async def serve(settings: LlmCallerSettings) -> None:
    """Serves throughline.llm_caller.v1: calls the model and streams its answer back."""
    async with client(settings) as provider:
        servicer = LlmCallerServicer(Model(provider, settings))
        await serve_grpc(
            settings,
            settings.listen,
            lambda server: llm_caller_pb2_grpc.add_LlmCallerServicer_to_server(servicer, server),
            [SERVICE],
        )


def main() -> None:
    run(LlmCallerSettings, serve)


if __name__ == "__main__":
    main()
