"""A refusal with a reason, on its way into and out of a gRPC status; carries no content and no stack trace."""

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

DOMAIN = "throughline"
DETAILS = "grpc-status-details-bin"


class ServiceError(Exception):
    """What a service says instead of an answer: a code for machines, a reason to branch on, a sentence for people."""

    def __init__(self, code: grpc.StatusCode, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message


def trailers(failure: ServiceError) -> tuple[tuple[str, bytes], ...]:
    """The reason as google.rpc.ErrorInfo, where every gRPC client library looks for it."""
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=failure.reason, domain=DOMAIN))
    status = Status(code=failure.code.value[0], message=failure.message, details=[detail])
    return ((DETAILS, status.SerializeToString()),)


def from_rpc(error: Any) -> ServiceError:
    """The failure that a called service reported, or that the transport made up for it."""
    code = error.code()
    return ServiceError(code, _reason(error.trailing_metadata()) or code.name, error.details() or code.value[1])


def _reason(metadata: Any) -> str | None:
    for key, value in metadata or ():
        if key == DETAILS:
            return _error_info(value)
    return None


def _error_info(serialized: bytes) -> str | None:
    info = ErrorInfo()
    try:
        status = Status.FromString(serialized)
        found = any(detail.Is(ErrorInfo.DESCRIPTOR) and detail.Unpack(info) for detail in status.details)
    except DecodeError:
        return None
    return info.reason if found else None
