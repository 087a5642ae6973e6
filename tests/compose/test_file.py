"""The compose file by itself: it follows the specification, names only what is there, and confines what it runs."""

from __future__ import annotations

import graphlib
import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from compose import composed
from compose.composed import FOLDER, OURS, REPOSITORY, Plain, addresses, mounts

STEPS = {"certificates", "templates", "corpus", "storage", "ready"}
ASKING = {"curl", "wget", "python"}
# Their images hold, or promise, nothing but their one program.
BARE = {"collector", "jaeger"}
# Listens nowhere; it says what it did, and ends only with its container.
SILENT = {"housekeeping", "comparison"}
# What official images listen on without being told.
KNOWN_PORTS = {"elasticsearch": {9200}, "grafana": {3000}}


def listens(name: str, service: Plain) -> set[int]:
    """The ports that a service is told to bind, or is known to."""
    told = {
        port
        for _, host, port in addresses(service)
        if host in {"0.0.0.0", "127.0.0.1"}  # noqa: S104 - in a container
    }
    told |= {int(value) for variable, value in service.get("environment", {}).items() if variable.endswith("_PORT")}
    return told | KNOWN_PORTS.get(name, set())


def test_follows_the_compose_specification(project: Plain) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(project)


def test_schema_would_find_a_mistake(project: Plain) -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    wrong = {**project, "services": {"gateway": {"image": "x", "depends_on": {"y": {"condition": "healthy"}}}}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_docker_itself_reads_it() -> None:
    """Only where the compose plugin is; it needs no engine for this."""
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], check=False, capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    asked = [docker, "compose", "--project-directory", FOLDER, "config", "--quiet"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_variable_has_a_value() -> None:
    required = {name for name, operator in composed.variables().items() if operator != ":-"}
    assert required == set(composed.pinned())
    assert all(composed.pinned().values())


def test_images_are_official_and_of_the_one_versions_file(services: dict[str, Plain]) -> None:
    version = composed.pinned()
    official = {name: service["image"] for name, service in services.items() if service["image"] != OURS}
    assert official == {
        "elasticsearch": f"elasticsearch:{version['ELASTICSEARCH_VERSION']}",
        "jaeger": f"jaegertracing/jaeger:{version['JAEGER_VERSION']}",
        "collector": f"otel/opentelemetry-collector-contrib:{version['COLLECTOR_VERSION']}",
        "grafana": f"grafana/grafana:{version['GRAFANA_VERSION']}",
    }


def test_one_recipe_makes_all_of_ours(services: dict[str, Plain]) -> None:
    recipes = [service["build"] for service in services.values() if service["image"] == OURS]
    assert len(recipes) > 1
    assert all(recipe == recipes[0] for recipe in recipes)
    context = (FOLDER / recipes[0]["context"]).resolve()
    assert context == REPOSITORY
    assert (context / recipes[0]["dockerfile"]).is_file()
    assert all("build" not in service for service in services.values() if service["image"] != OURS)


def test_what_is_mounted_exists(project: Plain, services: dict[str, Plain]) -> None:
    used = set()
    for name, service in services.items():
        for source, _, read_only in mounts(service):
            if source.startswith("."):
                assert (FOLDER / source).exists(), (name, source)
                assert read_only, (name, source)
            else:
                used.add(source)
    assert used == set(project["volumes"])


def test_is_published_on_this_machine_only(services: dict[str, Plain]) -> None:
    published = []
    for name, service in services.items():
        for port in service.get("ports", []):
            host, outside, inside = port.split(":")
            assert host == "127.0.0.1", (name, port)
            assert int(inside) in listens(name, service), (name, port)
            published.append(outside)
    assert len(set(published)) == len(published)
    assert {"8080", "16686", "3000", "9200", "4317"} <= set(published)


def test_every_address_leads_to_a_service_that_listens_there(services: dict[str, Plain]) -> None:
    local = {"0.0.0.0", "127.0.0.1"}  # noqa: S104 - in a container
    told = [
        (name, variable, host, port)
        for name, service in services.items()
        for variable, host, port in addresses(service)
        if host not in local
    ]
    assert len(told) > 10
    for name, variable, host, port in told:
        assert host in services, (name, variable)
        assert port in listens(host, services[host]), (name, variable)


def test_what_waits_can_be_waited_for(services: dict[str, Plain]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            asked = services[other]
            match how["condition"]:
                case "service_healthy":
                    assert "healthcheck" in asked, (name, other)
                case "service_completed_successfully":
                    assert other in STEPS, (name, other)
                case "service_started":
                    assert other in BARE, (name, other)
    order = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    assert list(graphlib.TopologicalSorter(order).static_order())[-1] == "gateway"


def test_steps_end_and_someone_waits_for_each(services: dict[str, Plain]) -> None:
    """`up --wait` takes the end of a container for a failure unless a lasting one waits for just that."""
    assert {name for name, service in services.items() if service["restart"] == "no"} == STEPS
    awaited = {
        other
        for name, service in services.items()
        for other, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully" and name not in STEPS
    }
    assert awaited == STEPS


def test_health_is_asked_by_what_the_image_has(services: dict[str, Plain]) -> None:
    for name, service in services.items():
        if name in STEPS | BARE | SILENT:
            assert "healthcheck" not in service, name
            continue
        how, program, *_ = service["healthcheck"]["test"]
        assert how == "CMD", name
        assert program in ASKING, name
        assert (program == "python") == (service["image"] == OURS), name
        (port,) = {int(word.split(":")[2].split("/")[0]) for word in service["healthcheck"]["test"] if "://" in word}
        assert port in listens(name, service), name


def test_what_cannot_be_asked_inside_is_asked_from_outside(services: dict[str, Plain]) -> None:
    asked = {host for _, host, _ in addresses(services["ready"])}
    assert asked == BARE


@pytest.mark.parametrize("name", sorted(yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]))
def test_every_container_is_confined(name: str, services: dict[str, Plain]) -> None:
    service = services[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service.get("user", "10001") != "root"
    assert service["logging"]["options"]["max-size"]
    # Elasticsearch's image brings an init of its own and writes into its installation.
    assert service.get("init", False) == (name != "elasticsearch")
    assert service.get("read_only", False) == (name != "elasticsearch")


def test_no_secret_is_written_down(services: dict[str, Plain]) -> None:
    set_to = composed.resolved({"OPENAI_API_KEY": "from outside"})["services"]["llm-caller"]["environment"]
    assert set_to["OPENAI_API_KEY"] == "from outside"
    told = {
        value
        for service in services.values()
        for variable, value in service.get("environment", {}).items()
        if any(word in variable for word in ("KEY", "PASSWORD", "SECRET"))
    }
    files = {value for value in told if value.startswith(("/etc/throughline/tls/", "/var/lib/throughline/"))}
    assert files
    assert told - files == {"simulated"}


def test_secrets_are_in_volumes_and_each_part_sees_its_own(services: dict[str, Plain]) -> None:
    """One volume a part: only the steps that fill them see several, and nobody but those writes."""
    filling = {"certificates": 8, "templates": 5}
    for name, service in services.items():
        seen = {source: read_only for source, _, read_only in mounts(service) if source.startswith("tls-")}
        assert len(seen) == filling.get(name, len(seen) and 1), name
        assert all(seen.values()) == (name not in filling), name
    owners = {
        name: [source for source, _, _ in mounts(service) if source.startswith("tls-")]
        for name, service in services.items()
        if name not in filling
    }
    assert owners["elasticsearch"] == ["tls-elasticsearch"]
    assert owners["collector"] == ["tls-collector"]
    assert owners["jaeger"] == ["tls-jaeger"]
    assert owners["grafana"] == ["tls-grafana"]
    assert owners["prompt-builder"] == ["tls-prompt-builder"]
    assert owners["simulator"] == owners["ready"] == owners["storage"] == []


def test_telemetry_travels_over_tls_alone(services: dict[str, Plain]) -> None:
    """In plain text are only pages, health, the model's stand-in and the Collector's own metrics."""
    plain = {"http://127.0.0.1", "http://simulator"}
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if str(value).startswith("http://"):
                assert str(value).rsplit(":", 1)[0] in plain, (name, variable)
    environment = services["elasticsearch"]["environment"]
    assert environment["xpack.security.enabled"] == environment["xpack.security.http.ssl.enabled"] == "true"
    assert environment["xpack.security.http.ssl.client_authentication"] == "required"


def test_the_page_leads_to_what_is_published(services: dict[str, Plain]) -> None:
    environment = services["gateway"]["environment"]
    for variable, name, scheme in (("JAEGER_PAGE_URL", "jaeger", "https"), ("GRAFANA_URL", "grafana", "http")):
        (port,) = services[name]["ports"]
        assert environment[variable] == f"{scheme}://{port.rsplit(':', 1)[0]}"
    moved = composed.resolved({"GRAFANA_PORT": "13000"})["services"]
    assert moved["gateway"]["environment"]["GRAFANA_URL"] == "http://127.0.0.1:13000"
    assert moved["grafana"]["ports"] == ["127.0.0.1:13000:3000"]
