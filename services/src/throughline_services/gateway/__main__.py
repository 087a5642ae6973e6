"""The command throughline-gateway."""

import httpx

from throughline_services.gateway.application import application
from throughline_services.gateway.asking import Services
from throughline_services.gateway.settings import GatewaySettings
from throughline_services.gateway.waterfall import Jaeger
from throughline_services.runtime import run
from throughline_services.runtime.http import serve_http
from throughline_services.runtime.tls import client_context


async def serve(settings: GatewaySettings) -> None:
    """Serves questions over HTTP, as JSON, as server-sent events, and on one page."""
    verified = client_context(settings.jaeger_ca_file, settings.jaeger_client_certificate, settings.jaeger_client_key)
    async with Services(settings) as services, httpx.AsyncClient(timeout=5.0, verify=verified or True) as client:
        jaeger = Jaeger(client, settings.jaeger_url)
        await serve_http(settings, "gateway", settings.listen, application(settings, services, jaeger))


def main() -> None:
    run(GatewaySettings, serve)


if __name__ == "__main__":
    main()
