"""The image recipe: what it copies is there and let through, what it installs is pinned by hash, whom it runs as."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import PurePosixPath

from compose import composed
from compose.composed import FOLDER, OURS, REPOSITORY, Plain, mounts

RECIPE = (FOLDER / "Dockerfile").read_text().replace("\\\n", " ")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def copied() -> list[tuple[list[str], str]]:
    """Sources and target of each COPY out of the repository."""
    found = (line.split()[1:] for line in RECIPE.splitlines() if line.startswith("COPY") and "--from" not in line)
    return [(words[:-1], words[-1]) for words in found]


def let_through() -> list[str]:
    """What the ignore file excepts from ignoring everything."""
    lines = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in lines
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def locked(name: str) -> dict[str, str]:
    """Each package of a lock file with its version; fails if one has no hash."""
    text = (REPOSITORY / name).read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all(HASH.search(block) for block in blocks if PIN.match(block)), name
    return dict(PIN.findall(text))


def test_copies_what_exists_and_what_the_context_holds() -> None:
    sources = [source for words, _ in copied() for source in words]
    assert sources
    for source in sources:
        assert (REPOSITORY / source).exists(), source
        held = [path for path in let_through() if path == source or path.startswith(f"{source}/")]
        assert held, source
    for path in let_through():
        assert (REPOSITORY / path).exists(), path
        assert any(path == source or path.startswith(f"{source}/") for source in sources), path


def test_context_holds_what_the_packages_are_built_of() -> None:
    """pyproject.toml names these; without them the build fails."""
    assert {"pyproject.toml", "README.md", "LICENSE", "instrumentation/src", "services/src"} <= set(let_through())


def test_installs_only_what_is_pinned_by_hash() -> None:
    installs = re.findall(r"pip install ([^&]*)", RECIPE)
    assert len(installs) == 3
    assert all("--require-hashes" in words or "--no-index" in words for words in installs)
    assert locked("deploy/compose/build.lock")["hatchling"]


def test_image_runs_the_versions_that_are_tested() -> None:
    """The image's lock is the share of requirements.lock without what only development needs."""
    image, tested = locked("deploy/compose/runtime.lock"), locked("requirements.lock")
    assert image.items() <= tested.items(), "run `make lock`"
    assert {"elasticsearch", "grpcio", "openai", "opentelemetry-distro", "starlette", "typer"} <= set(image)
    assert not {"pytest", "mypy", "ruff"} & set(image)


def test_image_has_everything_that_our_packages_name() -> None:
    image = {name.replace("_", "-") for name in locked("deploy/compose/runtime.lock")}
    for file in ("pyproject.toml", "services/pyproject.toml"):
        project = tomllib.loads((REPOSITORY / file).read_text())["project"]
        named = [*project["dependencies"], *chain(*project.get("optional-dependencies", {}).values())]
        wanted = {re.split(r"[<>=!\[ ]", name)[0].lower() for name in named} - {"throughline"}
        assert wanted <= image, "run `make lock`"


def test_does_not_run_as_root() -> None:
    stage = RECIPE.split("\nFROM ")[-1]
    assert re.findall(r"^USER (.*)$", stage, re.MULTILINE) == ["10001:10001"]


def test_both_stages_start_from_the_pinned_python(services: dict[str, Plain]) -> None:
    assert re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE) == ["python:${PYTHON_VERSION}-slim"] * 2
    arguments = {str(service["build"]["args"]) for service in services.values() if service["image"] == OURS}
    assert arguments == {str({"PYTHON_VERSION": composed.pinned()["PYTHON_VERSION"]})}


def test_prepares_the_collectors_folder_for_the_collectors_user(services: dict[str, Plain]) -> None:
    folder = services["collector"]["environment"]["COLLECTOR_STORAGE_DIR"]
    owner = services["collector"]["user"].split(":")[0]
    assert re.search(rf"install --directory --owner {owner} .*{folder}", RECIPE)


def test_prepares_a_folder_for_each_volume_of_secrets(services: dict[str, Plain]) -> None:
    """A fresh volume takes owner and mode of the folder it is first mounted on, in the step that fills it."""
    found = re.search(
        r"for part in ([\w -]+); do\s+install --directory --owner 10001 --group 0 --mode 0750 (\S+);", RECIPE
    )
    assert found
    prepared = {found[2].replace("$part", part) for part in found[1].split()}
    assert prepared == {target for _, target, _ in mounts(services["certificates"]) if "/tls/" in target}
    for name in ("spool", "evidence"):
        assert re.search(rf"--mode 0700 .*/var/lib/throughline/{name}\b", RECIPE)


def test_probe_is_where_the_health_checks_look_for_it(services: dict[str, Plain]) -> None:
    placed = {
        str(PurePosixPath(target) / PurePosixPath(source).name) for sources, target in copied() for source in sources
    }
    asked = {
        word
        for service in services.values()
        for word in [*service.get("healthcheck", {}).get("test", []), *service.get("command", [])]
        if str(word).endswith("probe.py")
    }
    assert asked == {"/opt/probe/probe.py"}
    assert {"/opt/probe/probe.py", "/opt/probe/native/__init__.py", "/opt/probe/native/part.py"} <= placed
