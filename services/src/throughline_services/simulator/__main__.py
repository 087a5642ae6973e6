"""The command throughline-simulator."""

from typing import Any

from pydantic import NonNegativeFloat, ValidationError, model_validator

from throughline_services.runtime import Address, ServiceSettings, environment, run
from throughline_services.runtime.http import serve_http
from throughline_services.simulator.application import application
from throughline_services.simulator.behaviour import Behaviour


class SimulatorSettings(ServiceSettings):
    """Of the process; what concerns behaviour can be changed while it runs."""

    listen: Address = environment("SIMULATOR_LISTEN", "127.0.0.1:8089", "address to listen on")
    seed: int = environment("SIMULATOR_SEED", 0, "the same seed gives the same timing, faults and answers")
    latency: NonNegativeFloat = environment("SIMULATOR_LATENCY", 0.15, "median seconds before a reply begins")
    first_chunk: NonNegativeFloat = environment("SIMULATOR_FIRST_CHUNK", 0.1, "and before a stream's first chunk")
    inter_chunk: NonNegativeFloat = environment("SIMULATOR_INTER_CHUNK", 0.012, "and between its chunks")
    fault: str = environment(
        "SIMULATOR_FAULT",
        "",
        "shares of requests: rate_limit=0.05,server_error=0.02,timeout=0.01,content_filter=0.02,disconnect=0.01",
    )

    @model_validator(mode="after")
    def _valid(self) -> "SimulatorSettings":
        try:
            self.behaviour()
        except ValidationError as error:
            raise ValueError("; ".join(detail["msg"] for detail in error.errors())) from None
        return self

    def behaviour(self) -> Behaviour:
        chosen: dict[str, Any] = self.model_dump(include={"seed", "latency", "first_chunk", "inter_chunk", "fault"})
        return Behaviour.model_validate(chosen)


async def serve(settings: SimulatorSettings) -> None:
    """Speaks OpenAI's HTTP protocol with seeded timing and faults; PUT /control changes them while it runs."""
    await serve_http(settings, "simulator", settings.listen, application(settings.behaviour()))


def main() -> None:
    run(SimulatorSettings, serve)


if __name__ == "__main__":
    main()
