"""A gRPC server with health, reflection, limits, TLS and a graceful end; knows no service."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from throughline_services.runtime.command import StartupError
from throughline_services.runtime.interception import Boundary
from throughline_services.runtime.settings import GrpcSettings

logger = logging.getLogger(__name__)

Register = Callable[[Any], None]


class GrpcServer:
    """One listening server; `services` are the full names that health and reflection answer for."""

    def __init__(self, settings: GrpcSettings, address: str, register: Register, services: Sequence[str]) -> None:
        self._grace = settings.shutdown_grace
        self._services = services
        self._server = grpc.aio.server(
            interceptors=[Boundary()],
            maximum_concurrent_rpcs=settings.max_concurrent,
            # By default a second server would silently share the port of the first.
            options=[*message_limits(settings.max_message_bytes), ("grpc.so_reuseport", 0)],
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        register(self._server)
        self.port = self._bind(settings, address)

    def _bind(self, settings: GrpcSettings, address: str) -> int:
        try:
            if settings.tls_cert is None or settings.tls_key is None:
                return int(self._server.add_insecure_port(address))
            pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
            return int(self._server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
        except OSError as error:
            raise StartupError(f"cannot read {error.filename}: {error.strerror}") from error
        except RuntimeError as error:
            causes = "the address is in use, or the TLS key is not that of the certificate"
            raise StartupError(f"cannot listen on {address}: {causes}") from error

    async def start(self) -> None:
        await self._server.start()
        for service in ("", *self._services):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """New requests are refused, health says so, running ones get their grace."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._grace)


def message_limits(size: int) -> list[tuple[str, int]]:
    """Of a server or a channel alike."""
    return [("grpc.max_receive_message_length", size), ("grpc.max_send_message_length", size)]


async def serve_grpc(settings: GrpcSettings, address: str, register: Register, services: Sequence[str]) -> None:
    """Until SIGTERM or SIGINT, then until running requests are done."""
    stopping = stop_signal()
    server = GrpcServer(settings, address, register, services)
    await server.start()
    logger.info("%s listens on %s:%d", ", ".join(services), address.rpartition(":")[0], server.port)
    await stopping.wait()
    logger.info("stopping: running requests have %g s to finish", settings.shutdown_grace)
    await server.stop()


def stop_signal() -> asyncio.Event:
    """Set when the process is asked to end; to be called before anybody can know that it runs."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
