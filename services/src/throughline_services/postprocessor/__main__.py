"""The command throughline-postprocessor."""

import throughline

from throughline_services.postprocessor.servicer import PostprocessorServicer
from throughline_services.runtime import Address, GrpcSettings, StartupError, environment, run, serve_grpc
from throughline_services.stubs import postprocessor_pb2, postprocessor_pb2_grpc

SERVICE = postprocessor_pb2.DESCRIPTOR.services_by_name["Postprocessor"].full_name


class PostprocessorSettings(GrpcSettings):
    """Of the service."""

    listen: Address = environment("POSTPROCESSOR_LISTEN", "127.0.0.1:50053", "address to listen on")


async def serve(settings: PostprocessorSettings) -> None:
    """Serves throughline.postprocessor.v1: validates, masks and scores answers."""
    try:
        servicer = PostprocessorServicer(throughline.Masker.from_environment())
    except ValueError as error:
        raise StartupError(f"masking: {error}") from error
    await serve_grpc(
        settings,
        settings.listen,
        lambda server: postprocessor_pb2_grpc.add_PostprocessorServicer_to_server(servicer, server),
        [SERVICE],
    )


def main() -> None:
    run(PostprocessorSettings, serve)


if __name__ == "__main__":
    main()
