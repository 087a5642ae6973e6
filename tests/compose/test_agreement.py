"""What the compose file starts is what the native stack starts: commands, environment, order, configuration."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from compose import composed
from compose.composed import OURS, REPOSITORY, Plain, addresses, host_path, mounts
from native.certificates import provide
from native.part import Part
from native.ports import Ports
from native.security import Security
from native.stack import COMPONENTS, PARTS, Stack, throughline_parts
from throughline.records.keys import Purpose, read_key_list
from throughline_services.gateway.settings import GatewaySettings
from throughline_services.llm_caller.settings import LlmCallerSettings
from throughline_services.postprocessor.__main__ import PostprocessorSettings
from throughline_services.prompt_builder.settings import ElasticsearchSettings, PromptBuilderSettings
from throughline_services.runtime.settings import ServiceSettings
from throughline_services.simulator.__main__ import SimulatorSettings

SETTINGS: dict[str, type[ServiceSettings]] = {
    "corpus": ElasticsearchSettings,
    "gateway": GatewaySettings,
    "llm-caller": LlmCallerSettings,
    "postprocessor": PostprocessorSettings,
    "prompt-builder": PromptBuilderSettings,
    "simulator": SimulatorSettings,
}
OWN_STEPS = {"certificates", "storage", "ready"}
"""What natively the launcher itself does."""
REFERENCE = re.compile(r"\$\{env:(\w+)(:-[^}]*)?\}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Made, not started: what it would tell its parts."""
    made = Stack(tmp_path_factory.mktemp("stack") / "run", secure=True, environment={})
    yield made
    made.close()


@pytest.fixture(scope="module")
def parts(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Part]:
    """The native stack's parts by name."""
    run = tmp_path_factory.mktemp("run")
    made = throughline_parts(run, Ports(), stack.addresses, Security(run / "tls"))
    return {part.name: part for part in made}


def said(text: str) -> str:
    """A value, or for an address or a file that it is one: where things are is what differs."""
    if text.startswith(("/", "file:/")):
        return f"a file {Path(text).name}"
    return "an address" if re.fullmatch(r"(\w+://)?[\w.-]+:\d+(/\w*)?", text) else text


def test_runs_every_native_part(services: dict[str, Plain], parts: dict[str, Part]) -> None:
    assert set(services) == set(parts) | {"grafana"} | OWN_STEPS


def test_steps_are_the_native_ones(services: dict[str, Plain], parts: dict[str, Part]) -> None:
    steps = {name for name, part in parts.items() if part.is_step}
    assert steps == {name for name, service in services.items() if service["restart"] == "no"} - OWN_STEPS


@pytest.mark.parametrize("name", ["collector", "prompt-builder", "llm-caller", "postprocessor", "gateway"])
def test_is_told_what_the_native_part_is_told(
    name: str, services: dict[str, Plain], parts: dict[str, Part], stack: Stack
) -> None:
    native = {variable: said(value) for variable, value in parts[name].environment.items()}
    here = {variable: said(str(value)) for variable, value in services[name]["environment"].items()}
    differing = {"COLLECTOR_METRICS_HOST", "COLLECTOR_METRICS_PORT", "COLLECTOR_STORAGE_DIR"}
    assert {variable: here.get(variable) for variable in native if variable not in differing} == {
        variable: value for variable, value in native.items() if variable not in differing
    }
    every = {**stack.supervisor.environment, **parts[name].environment}
    named = {"DEPLOYMENT_ENVIRONMENT", "OTEL_RESOURCE_ATTRIBUTES"}
    shared = {variable: said(every[variable]) for variable in stack.addresses if variable in here.keys() - named}
    assert {variable: here[variable] for variable in shared} == shared


@pytest.mark.parametrize("name", ["prompt-builder", "llm-caller", "postprocessor", "gateway"])
@pytest.mark.parametrize(("told", "expected"), [({}, "compose"), ({"DEPLOYMENT_ENVIRONMENT": "shop"}, "shop")])
def test_all_that_records_says_which_deployment_it_is(name: str, told: dict[str, str], expected: str) -> None:
    services = composed.resolved(told)["services"]
    attributes = services[name]["environment"]["OTEL_RESOURCE_ATTRIBUTES"]
    assert attributes == f"deployment.environment.name={expected}"
    assert services["collector"]["environment"]["DEPLOYMENT_ENVIRONMENT"] == expected


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_every_variable_is_one_that_the_service_reads(name: str, services: dict[str, Plain]) -> None:
    read = {str(field.validation_alias) for field in SETTINGS[name].model_fields.values()}
    told = {name for name in services[name]["environment"] if not name.startswith(("OTEL_", "THROUGHLINE_"))}
    assert told <= read
    needed = {variable for variable in read if variable.endswith(("_LISTEN", "_TARGET"))}
    assert needed <= told


def test_retention_is_read_from_one_file(services: dict[str, Plain], parts: dict[str, Part]) -> None:
    from throughline.store import Retention

    file = REPOSITORY / "deploy" / "retention.env"
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    told = dict(line.split("=") for line in lines)
    assert Retention.read(told) == Retention(), "the file says what the defaults are"
    assert Retention.read(dict.fromkeys(told, "3")) == Retention(*[3] * len(fields(Retention))), "of every kind"
    for name in ("templates", "housekeeping"):
        assert (REPOSITORY / "deploy" / "compose" / services[name]["env_file"]).resolve() == file
        assert told.items() <= parts[name].environment.items()


def test_whoever_verifies_has_the_list_of_keys_and_not_the_key_that_signs(
    services: dict[str, Plain], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "deploy" / "compose"))
    provide_step = importlib.import_module("provide")
    monkeypatch.setattr(provide_step, "PLACE", tmp_path)
    for _ in range(2):  # a second start, too
        provide_step.main()
    told = Path(services["housekeeping"]["environment"]["THROUGHLINE_KEY_LIST"])
    assert [(source, target) for source, target, _ in mounts(services["housekeeping"])] == [
        ("tls-operator", str(told.parent))
    ]
    operator = tmp_path / "tls" / "operator"
    (listed,) = read_key_list(operator / told.name)
    assert listed.purpose is Purpose.SIGNING
    assert not [file for file in operator.iterdir() if "signing" in file.name]


def test_commands_exist(services: dict[str, Plain], parts: dict[str, Part]) -> None:
    scripts = {
        name
        for file in (REPOSITORY / "pyproject.toml", REPOSITORY / "services" / "pyproject.toml")
        for name in tomllib.loads(file.read_text())["project"]["scripts"]
    }
    for name, service in services.items():
        if service["image"] != OURS:
            continue
        match service["command"]:
            case ["python", "-m", module, *options]:
                assert importlib.util.find_spec(f"{module}.__main__")
                assert parts[name].argv[1:] == ("-m", module, *options)
            case ["opentelemetry-instrument", script] | [script] | ["throughline" as script, *_]:
                assert script in scripts
                assert [Path(word).name for word in parts[name].argv] == service["command"]
            case ["python", "/opt/probe/probe.py", *_] | ["python", "/opt/probe/provide.py"] | ["test", "-w", _]:
                pass
            case other:
                raise AssertionError(other)


def test_collector_gets_the_native_configuration(services: dict[str, Plain], parts: dict[str, Part]) -> None:
    native = [word for word in parts["collector"].argv[1:] if word != "--config"]
    here = [
        str(host_path(services["collector"], word.removeprefix("--config="))) if "--config=" in word else word
        for word in services["collector"]["command"]
    ]
    assert here == native
    assert all(Path(word).is_file() for word in here if word.endswith(".yaml"))
    assert len(here) == len(COMPONENTS) + 3


def test_collector_is_told_every_address_and_file(services: dict[str, Plain]) -> None:
    """A default that is right on one machine, like 127.0.0.1, is wrong in a container."""
    folder = REPOSITORY / "collector-config"
    files = (file for part in ("components", "tiers", "overlays") for file in (folder / part).glob("*.yaml"))
    text = "".join(file.read_text() for file in files)
    defaults = {found[1]: (found[2] or ":-").removeprefix(":-") for found in REFERENCE.finditer(text)}
    assert defaults
    told = services["collector"]["environment"]
    own = {"GOMEMLIMIT"}
    assert set(told) - own <= set(defaults)
    local = {variable for variable, default in defaults.items() if "127.0.0.1" in default or "/" in default}
    local |= {variable for variable, default in defaults.items() if "_TLS_" in variable and not default}
    assert local | {"COLLECTOR_METRICS_PORT", "ELASTICSEARCH_API_KEY_FILE"} <= set(told)


def test_record_queue_is_on_the_volume_that_its_step_prepares(services: dict[str, Plain]) -> None:
    folder = services["collector"]["environment"]["COLLECTOR_STORAGE_DIR"]
    volume = [(source, target) for source, target, _ in mounts(services["collector"]) if target == folder]
    assert volume == [(source, target) for source, target, _ in mounts(services["storage"])]
    assert services["storage"]["command"] == ["test", "-w", folder]


def test_collector_image_has_every_component() -> None:
    listed = (Path(__file__).parent / "contrib-modules.txt").read_text().splitlines()
    version = composed.pinned()["COLLECTOR_VERSION"]
    assert f":{version}:" in listed[0]
    built = yaml.safe_load((REPOSITORY / "collector-config" / "builder.yaml").read_text())
    modules = {module["gomod"].split()[0] for kind, entries in built.items() if kind != "dist" for module in entries}
    assert modules
    assert modules <= set(listed)
    assert built["dist"]["version"] == version


@pytest.mark.stack
def test_collector_accepts_its_command_and_environment(services: dict[str, Plain], tmp_path: Path) -> None:
    service = services["collector"]
    provide(tmp_path, ["collector"])
    (tmp_path / "collector" / "api_key").write_text("a-key")
    words = [
        f"--config={host_path(service, word.removeprefix('--config='))}" if "--config=" in word else word
        for word in service["command"]
    ]
    environment = {
        variable: str(value).replace("/etc/throughline/tls", str(tmp_path / "collector"))
        for variable, value in service["environment"].items()
    }
    asked = [PARTS / "otelcol-throughline", "validate", *words]
    done = subprocess.run(asked, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_jaeger_is_told_everything_and_nothing_else(services: dict[str, Plain]) -> None:
    files = [host_path(services["jaeger"], word) for word in services["jaeger"]["command"] if word != "--config"]
    assert files[1] == REPOSITORY / "deploy" / "native" / "jaeger-tls.yaml"
    used = {found[1] for file in files for found in REFERENCE.finditer(file.read_text())}
    assert used | {"OTEL_TRACES_SAMPLER"} == set(services["jaeger"]["environment"])


def test_jaeger_differs_from_the_native_one_in_storage_only(services: dict[str, Plain]) -> None:
    here = yaml.safe_load(host_path(services["jaeger"], services["jaeger"]["command"][1]).read_text())
    native = yaml.safe_load((REPOSITORY / "deploy" / "native" / "jaeger.yaml").read_text())
    for configuration in (here, native):
        del configuration["extensions"]["jaeger_storage"]
        del configuration["extensions"]["jaeger_query"]["storage"]
        del configuration["exporters"]["jaeger_storage_exporter"]["trace_storage"]
    assert here == native


def test_grafana_is_told_what_its_provisioning_names(services: dict[str, Plain]) -> None:
    service = services["grafana"]
    provisioning = host_path(service, "/etc/grafana/provisioning")
    text = "".join(file.read_text() for file in provisioning.rglob("*.yaml"))
    content = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    named = set(re.findall(r"(?<!\$)\$(\w+)", content)) - {"__file"}
    files = set(re.findall(r"\$__file\{/etc/throughline/tls/([^}]+)\}", content))
    assert files == {"authority.pem", "certificate.pem", "key.pem", "api_key"}
    assert named == {"ELASTICSEARCH_URL", "JAEGER_URL", "THROUGHLINE_DASHBOARDS"}
    assert named <= set(service["environment"])
    assert {folder.name for folder in provisioning.iterdir()} == {"alerting", "dashboards", "datasources"}


def test_grafana_opens_with_the_dashboard(services: dict[str, Plain]) -> None:
    environment = services["grafana"]["environment"]
    home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert host_path(services["grafana"], home).is_file()
    assert home.startswith(f"{environment['THROUGHLINE_DASHBOARDS']}/")


def test_dashboards_link_to_jaegers_published_page(services: dict[str, Plain]) -> None:
    page = services["gateway"]["environment"]["JAEGER_PAGE_URL"]
    boards = sorted((REPOSITORY / "grafana-dashboards" / "generated").glob("*.json"))
    assert boards
    assert all(f'"query": "{page}"' in board.read_text() for board in boards)


def test_services_speak_to_each_other_where_they_listen(services: dict[str, Plain]) -> None:
    targets = {
        variable: (host, port) for variable, host, port in addresses(services["gateway"]) if "TARGET" in variable
    }
    for variable, (host, port) in targets.items():
        listens = services[host]["environment"][variable.replace("_TARGET", "_LISTEN")]
        assert listens == f"0.0.0.0:{port}"
