"""The configuration as text: every shipped combination valid, each list in one file, all of it documented and used."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from collector.running import BINARY, COMPONENTS, CONFIGURATION, EMBEDDED, FEATURES, OVERLAYS, ROOT, flags
from native.certificates import provide
from throughline import names
from throughline.store.attributes import APART

TIERS = (EMBEDDED,)
COMBINATIONS = [
    (tier, overlays)
    for tier in TIERS
    for count in range(len(OVERLAYS) + 1)
    for overlays in itertools.combinations(OVERLAYS, count)
]
VARIABLE = re.compile(r"\$\{env:([A-Z_]+)(?::-([^}]*))?\}")
TLS = (
    "COLLECTOR_TLS_CA_FILE",
    "COLLECTOR_TLS_CERTIFICATE_FILE",
    "COLLECTOR_TLS_KEY_FILE",
    "ELASTICSEARCH_API_KEY_FILE",
)


def _load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def _collector(*arguments: str, **environment: str) -> str:
    """What the real binary prints; nothing of this machine's environment reaches it."""
    done = subprocess.run(
        [BINARY, *arguments], env=environment, cwd=os.sep, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _lists(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    match value:
        case list():
            yield path
        case dict():
            for key, each in value.items():
                yield from _lists(each, (*path, key))


def _used(tier: Path) -> set[str]:
    service = _load(tier)["service"]
    pipelines = service["pipelines"].values()
    return {*service["extensions"], *(name for pipeline in pipelines for names in pipeline.values() for name in names)}


@pytest.mark.parametrize(("tier", "overlays"), COMBINATIONS, ids=lambda given: getattr(given, "stem", None) or "with")
def test_every_combination_is_valid(tier: Path, overlays: tuple[Path, ...], tmp_path: Path) -> None:
    """The real binary accepts it, with nothing set but what an overlay demands."""
    assert tier in TIERS
    provide(tmp_path, ["collector"])
    (tmp_path / "collector" / "api_key").write_text("a-key")
    files = dict(zip(TLS, ("authority.pem", "certificate.pem", "key.pem", "api_key"), strict=True))
    secured = {name: str(tmp_path / "collector" / file) for name, file in files.items()}
    _collector("validate", *flags(*overlays), **(secured if overlays else {}))


def test_the_overlay_secures_every_hop_that_leaves_the_process() -> None:
    """A receiver or an exporter that is added later must be in it, too; only what the process tells itself is plain."""
    (overlay,) = (_load(file) for file in OVERLAYS)
    receivers = {name for file in COMPONENTS for name in _load(file).get("receivers", {})} - {"otlp/own"}
    assert set(overlay["receivers"]) == receivers
    for protocol in overlay["receivers"]["otlp"]["protocols"].values():
        assert set(protocol["tls"]) == {"min_version", "cert_file", "key_file", "client_ca_file"}
    exporters = {name: each for file in COMPONENTS for name, each in _load(file).get("exporters", {}).items()}
    leaving = {name for name, each in exporters.items() if "OWN" not in each.get("endpoint", "OWN")}
    assert set(overlay["exporters"]) == leaving
    for name in leaving:
        assert {"min_version", "cert_file", "key_file", "ca_file"} <= set(overlay["exporters"][name]["tls"]), name
        assert ("api_key" in overlay["exporters"][name]) == name.startswith("elasticsearch"), name


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.stem)
def test_the_effective_configuration_is_the_committed_one(tier: Path) -> None:
    """All defaults written out: a change of any value, ours or a new version's, is seen in review."""
    features = f"{FEATURES},+otelcol.printInitialConfig"
    effective = _collector("print-config", *flags()[:-1], features)
    committed = CONFIGURATION / "effective" / tier.name
    if os.environ.get("UPDATE_EFFECTIVE"):
        committed.write_text(effective)
    assert effective == committed.read_text()


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: tier.stem)
def test_a_list_lives_in_one_file(tier: Path) -> None:
    """Merging replaces lists: a second file with the same list would silently win or lose."""
    files = (*COMPONENTS, *OVERLAYS, tier)
    owners = Counter(path for file in files for path in _lists(_load(file)))
    assert {path: count for path, count in owners.items() if count > 1} == {}


def test_components_define_and_the_tier_decides() -> None:
    """A component has no `service:` and no pipeline's name in it; an overlay adds maps only."""
    pipelines = {name for tier in TIERS for name in _load(tier)["service"]["pipelines"]}
    for file in COMPONENTS:
        assert "service" not in _load(file), file.name
        assert not [name for name in pipelines if f"[{name}" in file.read_text()], file.name
    for file in OVERLAYS:
        assert list(_lists(_load(file))) == [], file.name


def test_nothing_is_defined_twice_or_unused() -> None:
    """One file defines a component, and a tier uses it."""
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    defined = Counter(name for file in (*COMPONENTS, EMBEDDED) for kind in kinds for name in _load(file).get(kind, {}))
    used = _used(EMBEDDED) | {"memory_limiter"}
    assert {name for name, count in defined.items() if count > 1} == set()
    assert set(defined) == used


def test_the_binary_holds_what_the_tiers_use_and_little_else() -> None:
    """builder.yaml names each component's module once; `debug` is there for a person who looks for a fault."""
    builder = _load(CONFIGURATION / "builder.yaml")
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    modules = [module["gomod"].split()[0].rpartition("/")[2] for kind in kinds for module in builder[kind]]
    built = {re.sub(r"(receiver|processor|exporter|connector|extension)$", "", module) for module in modules}
    used = {name.partition("/")[0].replace("_grpc", "").replace("_", "") for tier in TIERS for name in _used(tier)}
    assert built - {"debug"} == used


def test_versions_agree_with_the_one_place() -> None:
    """Compose's image, the builder and the binary that is here are of one version."""
    version = re.search(r"^COLLECTOR_VERSION=(.+)$", (ROOT / "deploy/compose/.env").read_text(), re.MULTILINE)
    assert version is not None
    builder = _load(CONFIGURATION / "builder.yaml")
    assert builder["dist"]["version"] == version[1]
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    assert {module["gomod"].split()[1] for kind in kinds for module in builder[kind]} == {f"v{version[1]}"}
    assert f"cmd/builder v{version[1]}" in (CONFIGURATION / "go.mod").read_text()
    assert _collector("--version").split()[-1] == version[1]


def test_every_variable_has_a_default_and_is_documented() -> None:
    """One default wherever it is read, and the README's table says the same."""
    texts = "".join(file.read_text() for file in (*COMPONENTS, *TIERS))
    found = VARIABLE.findall(texts)
    defaults = dict(found)
    assert {name for name, default in found if defaults[name] != default} == set()
    assert not re.findall(r"\$\{env:[A-Z_]+\}", texts), "a variable without a default"
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? *\|", (CONFIGURATION / "README.md").read_text(), re.MULTILINE)
    assert dict(rows) == defaults | dict.fromkeys(TLS, "")


def test_content_is_what_proof_says_wherever_it_is_named() -> None:
    """Each pattern of content's names in the configuration matches exactly what the package keeps apart."""
    texts = "".join(file.read_text() for file in (*COMPONENTS, *TIERS))
    patterns = re.findall(r"\(\?:exception\[.\]message.*?set_aside\|truncated\)\)", texts)
    assert len(patterns) == 4
    assert len(set(patterns)) == 1
    declared = {name for name in vars(names).values() if isinstance(name, str)}
    near = {f"{name}{more}" for name in APART for more in ("s", ".x", "_for")}
    matching = {name for name in declared | set(APART) | near if re.fullmatch(patterns[0], name)}
    assert matching == set(APART)


def test_every_way_that_masks_logs_counts_what_it_masked() -> None:
    """The last step but for what decides where a record goes; it sums up what the passes before it say."""
    pipelines = _load(EMBEDDED)["service"]["pipelines"]
    masking = {name: steps.get("processors", []) for name, steps in pipelines.items() if name.startswith("logs/")}
    masking = {name: steps for name, steps in masking.items() if any("redaction" in step for step in steps)}
    assert set(masking) == {"logs/records", "logs/large_records", "logs/set_aside", "logs/other"}
    for name, steps in masking.items():
        last = max(
            place for place, step in enumerate(steps) if "redaction" in step or step == "transform/masking_close"
        )
        assert steps[last + 1] == "transform/masking_tidy", name


def test_by_default_nothing_listens_beyond_this_machine() -> None:
    """Every address to bind, as the defaults give it."""
    effective = _load(CONFIGURATION / "effective" / "embedded.yaml")
    receivers = effective["receivers"].values()
    listening = [
        protocol["endpoint"] for receiver in receivers for protocol in receiver["protocols"].values() if protocol
    ]
    listening.append(effective["extensions"]["health_check"]["endpoint"])
    assert len(listening) == 4
    assert {address.rpartition(":")[0] for address in listening} == {"127.0.0.1"}
    assert "host: ${env:COLLECTOR_METRICS_HOST:-127.0.0.1}" in EMBEDDED.read_text()
