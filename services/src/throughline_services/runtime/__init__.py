"""What every service shares: settings, servers, channels, deadlines, failures, trace ids; no service's own work."""

from throughline_services.runtime.channels import Remote
from throughline_services.runtime.command import StartupError, run
from throughline_services.runtime.failures import ServiceError
from throughline_services.runtime.server import GrpcServer, serve_grpc
from throughline_services.runtime.settings import Address, ClientSettings, GrpcSettings, ServiceSettings, environment

__all__ = [
    "Address",
    "ClientSettings",
    "GrpcServer",
    "GrpcSettings",
    "Remote",
    "ServiceError",
    "ServiceSettings",
    "StartupError",
    "environment",
    "run",
    "serve_grpc",
]
