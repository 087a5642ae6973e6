"""The LLM caller's settings."""

from pydantic import NonNegativeInt, PositiveFloat, SecretStr

from throughline_services.runtime import Address, GrpcSettings, environment


class LlmCallerSettings(GrpcSettings):
    """Of the service; the defaults point at the simulator."""

    listen: Address = environment("LLM_CALLER_LISTEN", "127.0.0.1:50052", "address to listen on")
    base_url: str = environment("OPENAI_BASE_URL", "http://127.0.0.1:8089/v1", "a server that speaks OpenAI's protocol")
    api_key: SecretStr = environment("OPENAI_API_KEY", "simulator", "its key; the simulator takes any")
    model: str = environment("LLM_MODEL", "sim-small", "model used when a request names none")
    timeout: PositiveFloat = environment("LLM_TIMEOUT", 60.0, "seconds that one attempt may take")
    max_retries: NonNegativeInt = environment("LLM_MAX_RETRIES", 2, "further attempts after 408, 409, 429 and 5xx")
