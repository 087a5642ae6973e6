"""How Throughline's parts are wired: what one names, another offers. Nothing is started here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from native.__main__ import app
from native.part import Part
from native.ports import Ports
from native.security import Security
from native.stack import REPOSITORY, Stack, throughline_parts
from opentelemetry.exporter.otlp.proto.grpc import exporter
from typer.testing import CliRunner

SERVICES = ("gateway", "prompt-builder", "llm-caller", "postprocessor")
PLACEHOLDER = re.compile(r"\$\{env:(\w+)(:-[^}]*)?\}")


@pytest.fixture(params=["plain", "secure"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "secure")


@pytest.fixture
def stack(tmp_path: Path, secure: bool) -> Iterator[Stack]:
    environment = {"PATH": "x", "OTEL_SDK_DISABLED": "true", "THROUGHLINE_X": "y"}
    with closing(Stack(tmp_path, secure=secure, environment=environment)) as made:
        yield made


@pytest.fixture
def parts(tmp_path: Path, stack: Stack, secure: bool) -> dict[str, Part]:
    security = Security(tmp_path / "tls") if secure else None
    return {part.name: part for part in throughline_parts(tmp_path, Ports(), stack.addresses, security)}


def test_every_part_comes_after_parts_that_exist(parts: dict[str, Part]) -> None:
    assert {name for part in parts.values() for name in (*part.after, *part.feeds)} <= parts.keys()


def test_data_never_arrives_before_its_templates(parts: dict[str, Part]) -> None:
    assert "templates" in parts["collector"].after


def test_what_delivers_stops_before_what_takes(parts: dict[str, Part]) -> None:
    assert set(parts["collector"].feeds) == {"jaeger", "elasticsearch"}
    assert all("collector" in parts[name].feeds for name in SERVICES if name != "gateway")
    assert set(parts["gateway"].feeds) == set(SERVICES) - {"gateway"}


@pytest.mark.parametrize("name", ["collector", "jaeger"])
def test_every_variable_without_default_in_a_configuration_is_set(
    name: str, parts: dict[str, Part], stack: Stack
) -> None:
    configurations = [Path(argument) for argument in parts[name].argv if argument.endswith(".yaml")]
    used = [match for path in configurations for match in PLACEHOLDER.findall(path.read_text())]
    assert used
    given = {**stack.addresses, **parts[name].environment}
    assert {variable for variable, default in used if not default} <= given.keys()
    unknown = parts[name].environment.keys() - {variable for variable, _ in used}
    assert {variable for variable in unknown if not variable.startswith(("OTEL_", "GO"))} == set()


def test_the_collector_gets_every_component_file_then_its_tier_then_tls(parts: dict[str, Part], secure: bool) -> None:
    configurations = [Path(argument) for argument in parts["collector"].argv if argument.endswith(".yaml")]
    folder = REPOSITORY / "collector-config"
    components = [file for file in configurations if file.parent.name == "components"]
    assert set(components) == set((folder / "components").glob("*.yaml"))
    after = [folder / "tiers" / "embedded.yaml", *([folder / "overlays" / "tls.yaml"] if secure else [])]
    assert configurations == [*components, *after]


def test_every_name_has_a_port_of_its_own() -> None:
    ports = Ports()
    names = [str(number) for number in range(200)]
    assert len({ports[name] for name in names}) == len(names)
    assert ports["7"] == ports["7"]


def test_two_stacks_that_start_at_once_choose_different_ports() -> None:
    one, other = Ports(), Ports()
    mine = {one[str(number)] for number in range(150)}
    assert not mine & {other[str(number)] for number in range(150)}
    other._candidates = [*mine]
    with pytest.raises(OSError, match="no free port"):
        other["another"]
    del one
    other._candidates = [*mine]
    assert other["another"] in mine


def test_a_killed_stacks_addresses_are_not_those_of_the_one_that_starts(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("GATEWAY_URL=http://127.0.0.1:1\n")
    with closing(Stack(tmp_path, environment={})):
        answer = CliRunner().invoke(app, ["status", "--run", str(tmp_path)])
    assert (answer.exit_code, "starting" in answer.output, "GATEWAY_URL" in answer.output) == (1, True, False)


def test_services_are_reached_where_they_listen(stack: Stack) -> None:
    for name in ("PROMPT_BUILDER", "LLM_CALLER", "POSTPROCESSOR"):
        assert stack.addresses[f"{name}_TARGET"] == stack.addresses[f"{name}_LISTEN"]
    assert stack.addresses["GATEWAY_URL"] == f"http://{stack.addresses['GATEWAY_LISTEN']}"
    assert all("127.0.0.1" in value for name, value in stack.addresses.items() if name.endswith(("_URL", "_LISTEN")))


def test_a_real_model_of_the_user_replaces_the_simulator(tmp_path: Path) -> None:
    own = {"OPENAI_BASE_URL": "https://models.example/v1", "OPENAI_API_KEY": "k", "LLM_MODEL": "m"}
    with closing(Stack(tmp_path, environment=own)) as stack:
        assert {name: stack.addresses[name] for name in own} == own


@pytest.mark.parametrize(
    ("own", "named", "written"),
    [
        ({}, "native", "native"),
        ({"DEPLOYMENT_ENVIRONMENT": "demo"}, "demo", "demo"),
        ({"DEPLOYMENT_ENVIRONMENT": "a,b=c d"}, "a,b=c d", "a%2Cb%3Dc%20d"),
    ],
)
def test_every_part_is_told_which_deployment_it_is(
    tmp_path: Path, own: dict[str, str], named: str, written: str
) -> None:
    with closing(Stack(tmp_path, environment=own)) as stack:
        environment = stack.supervisor.environment
        told = [{**environment, **part.environment} for part in stack.supervisor.parts.values()]
    assert {each["DEPLOYMENT_ENVIRONMENT"] for each in told} == {named}
    assert {each["OTEL_RESOURCE_ATTRIBUTES"] for each in told} == {f"deployment.environment.name={written}"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_reports_under_its_own_name(name: str, parts: dict[str, Part]) -> None:
    assert parts[name].environment["OTEL_SERVICE_NAME"] == name
    assert Path(parts[name].argv[0]).name == "opentelemetry-instrument"
    assert Path(parts[name].argv[1]).name == f"throughline-{name}"


def test_the_batches_leave_before_the_sampler_decides(parts: dict[str, Part], stack: Stack) -> None:
    given = {**stack.supervisor.environment, **parts["collector"].environment}
    wait = int(given["DECISION_WAIT_AFTER_ROOT"].removesuffix("s"))
    assert all(int(parts[name].environment["OTEL_BSP_SCHEDULE_DELAY"]) < wait * 1000 for name in SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_batch_is_kept_for_as_many_attempts_as_the_exporter_makes(name: str, parts: dict[str, Part]) -> None:
    pauses = sum(2**attempt for attempt in range(exporter._MAX_RETRYS - 1)) * 1.2  # the longest, by its jitter
    assert float(parts[name].environment["OTEL_EXPORTER_OTLP_TIMEOUT"]) > pauses


def test_a_callers_prices_reach_every_part(tmp_path: Path) -> None:
    own = {"THROUGHLINE_PRICES_FILE": "/prices.json", "THROUGHLINE_SPOOL": "/mine"}
    with closing(Stack(tmp_path, environment=own)) as stack:
        assert stack.supervisor.environment["THROUGHLINE_PRICES_FILE"] == "/prices.json"
        assert "THROUGHLINE_SPOOL" not in stack.supervisor.environment


def test_a_callers_telemetry_settings_stay_outside(stack: Stack, tmp_path: Path) -> None:
    environment = stack.supervisor.environment
    assert environment["PATH"] == "x"
    assert environment.keys().isdisjoint({"OTEL_SDK_DISABLED", "THROUGHLINE_X"})
