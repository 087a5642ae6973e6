"""What a folder's files may say: which prompt one gets, what its hash is, and every mistake told by file and field."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
import throughline
from instrumentation.prompts.folders import GREETING, Written
from throughline import prompts
from throughline.prompts import scanning


def test_the_highest_number_is_the_current_version(written: Written) -> None:
    for number in (9, 10, 2):
        written.version(number, changelog=f"Number {number}.")
    assert written.folder.get("greeting").changelog == "Number 10."
    assert written.folder.get("greeting", version=2).changelog == "Number 2."


def test_the_first_variant_is_everybodys_and_another_is_had_by_name(greeting: Written) -> None:
    assert greeting.folder.get("greeting").variant == "plain"
    asked = greeting.folder.get("greeting", variant="warm")
    assert (asked.variant, asked.experiment) == ("warm", None)
    assert asked.render(question="When?")[0] == {"role": "system", "content": "Be warm."}


@pytest.mark.parametrize(
    ("wish", "what", "told"),
    [
        ({"name": "farewell"}, "prompt", "greeting"),
        ({"name": "greeting", "version": 3}, "version", "there are 1"),
        ({"name": "greeting", "variant": "cold"}, "variant", "plain, warm, terse"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(greeting: Written, wish: dict[str, Any], what: str, told: str) -> None:
    with pytest.raises(prompts.UnknownPromptError, match=told) as refused:
        greeting.folder.get(**wish)
    assert refused.value.what == what


def test_parameters_of_the_variant_win_and_those_of_a_provider_stand_beside_them(written: Written) -> None:
    own = {"plain": {"user": "{{ question }}", "parameters": {"max_tokens": 50}}}
    written.version(1, parameters={"temperature": 0.2, "max_tokens": 400, "other": {"think": True}}, variants=own)
    assert dict(written.folder.get("greeting").parameters) == {"temperature": 0.2, "max_tokens": 50, "think": True}


def test_the_hash_is_that_of_the_messages_as_rfc_8785_writes_them(greeting: Written) -> None:
    messages = [{"content": "Be plain.", "role": "system"}, {"content": "{{ question }}", "role": "user"}]
    expected = hashlib.sha256(rfc8785.dumps(messages)).hexdigest()
    assert greeting.folder.get("greeting").template_hash == expected


def test_the_hash_knows_the_wording_alone(written: Written) -> None:
    long = [{"role": "system", "content": "Be plain."}, {"role": "user", "content": "{{ question }}"}]
    variants = {
        "short": GREETING["variants"]["plain"],
        "long": {"messages": long, "parameters": {"temperature": 1.0}},
        "other": {"system": "Be plain. ", "user": "{{ question }}"},
        "swapped": {"messages": long[::-1]},
    }
    written.version(1, variants=variants)
    written.version(2, variants=variants, changelog="Another.", owner="another")
    hashes = {name: written.folder.get("greeting", 1, name).template_hash for name in variants}
    assert hashes["short"] == hashes["long"] == written.folder.get("greeting", 2, "short").template_hash
    assert len({hashes["short"], hashes["other"], hashes["swapped"]}) == 3


def variants(**change: Any) -> dict[str, Any]:
    return {"variants": {"plain": {"user": "{{ question }}", **change}}}


MISTAKES = [
    ({"owner": ""}, "owner", "at least 1 character"),
    ({"owner": None}, "owner", "string"),
    ({"variants": {}}, "variants", "at least 1"),
    ({"variants": {"Plain": {"user": "{{ question }}"}}}, "variants.Plain", "small letters"),
    ({"variants": {"a,b": {"user": "{{ question }}"}}}, "variants.a,b", "small letters"),
    ({"colour": "red"}, "colour", "take it out"),
    ({"chanelog": "x"}, "chanelog", "write changelog"),
    ({"variables": {"question": "text"}}, "variables.question", "'string', 'integer'"),
    ({"variables": {"question": "string", "name": "string"}}, "variables.name", "no variant uses it"),
    ({"variables": {"the question": "string"}}, "variables.the question", "small letters"),
    ({"parameters": {"temperature": True}}, "parameters.temperature", "valid number"),
    ({"parameters": {"temperature": 3}}, "parameters.temperature", "less than or equal to 2"),
    ({"parameters": {"max_tokens": "4"}}, "parameters.max_tokens", "valid integer"),
    ({"parameters": {"temprature": 1}}, "parameters.temprature", "write temperature"),
    (variants(user="{% if %}"), "variants.plain.user", "line 1: is no template"),
    (variants(user="{{ question }}\n{{ question | shout }}"), "variants.plain.user", "line 2: .*shout"),
    (variants(user="{{ questoin }}"), "variants.plain.user", "uses questoin: declare it"),
    (variants(user="{% include 'secrets' %}{{ question }}"), "variants.plain.user", "stands alone"),
    (variants(messages=[{"role": "user", "content": "x"}]), "variants.plain", "either system and user, or messages"),
    ({"variants": {"plain": {}}}, "variants.plain", "either system and user, or messages"),
    ({"variants": {"plain": {"messages": [{"role": "boss", "content": "{{ question }}"}]}}},
     "variants.plain.messages.0.role", "'system'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "told"), MISTAKES, ids=[field for _, field, _ in MISTAKES])
def test_a_mistake_is_told_by_file_and_field_with_what_to_do(
    written: Written, changes: dict[str, Any], field: str, told: str
) -> None:
    written.version(1, **changes)
    found = [problem for problem in prompts.look(written.path).problems if problem.field == field]
    assert [problem.file for problem in found] == ["greeting/1.yaml"]
    with pytest.raises(prompts.UnknownPromptError, match=told):
        written.folder.get("greeting")


def test_all_mistakes_are_told_at_once(written: Written) -> None:
    written.version(1, owner=1, variants={"plain": {"user": "{{ question }}", "usr": 1}, "warm": {}})
    written.version(2, variants={"plain": {"user": "{{ a }}"}, "warm": {"user": "{{ b }}{% if %}"}})
    places = [(problem.file, problem.field) for problem in prompts.look(written.path).problems]
    assert places == [
        ("greeting/1.yaml", "owner"),
        ("greeting/1.yaml", "variants.plain.usr"),
        ("greeting/1.yaml", "variants.warm"),
        ("greeting/2.yaml", "variants.plain.user"),
        ("greeting/2.yaml", "variants.warm.user"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("greeting/1.yaml", "owner: a\nowner: b\n", "line 2: is no YAML: owner is there twice"),
        ("greeting/1.yaml", "owner: [", "is no YAML"),
        ("greeting/1.yaml", "just words", "is to hold fields"),
        (
            "greeting/1.yaml",
            'owner: a\nchangelog: b\nvariants: {a: {user: "\\ud800"}}',
            ("variants.a.user: holds half of a surrogate pair", "line 3: is no YAML"),  # libyaml's own complaint
        ),
        ("greeting/01.yaml", "owner: a", "is no version"),
        ("greeting/latest.yaml", "owner: a", "is no version"),
        ("greeting/1.yml", "owner: a", "is no version"),
        ("greeting.yaml", "owner: a", "prompts are NAME/VERSION.yaml"),
        ("Greeting/1.yaml", "owner: a", "is no name of a prompt"),
    ],
)
def test_what_is_no_prompt_file_is_told(written: Written, name: str, content: str, told: str | tuple[str, ...]) -> None:
    written.text(name, content)
    complaint = str(prompts.look(written.path).problems[0])
    assert any(way in complaint for way in ([told] if isinstance(told, str) else told))


def test_files_of_others_are_left_alone(greeting: Written) -> None:
    for name in ("README.md", "greeting/notes.txt", ".git/1.yaml", "greeting/.1.yaml.swp", "docs/readme.md"):
        greeting.text(name, "anything")
    assert prompts.look(greeting.path).problems == []


def test_links_are_followed_as_kubernetes_mounts_files(greeting: Written) -> None:
    (greeting.path / "linked").symlink_to(greeting.path / "greeting")
    (greeting.path / "greeting" / "2.yaml").symlink_to(greeting.path / "greeting" / "1.yaml")
    assert greeting.folder.get("linked").version == 2


def test_a_link_that_leads_nowhere_costs_its_file_alone(greeting: Written) -> None:
    greeting.experiments(wording={})
    assert greeting.folder.current().experiments.keys() == {"wording"}
    (greeting.path / "greeting" / "2.yaml").symlink_to("gone.yaml")
    (greeting.path / "experiments.yaml").unlink()
    (greeting.path / "experiments.yaml").symlink_to("gone.yaml")
    (greeting.path / "round").symlink_to("round")
    greeting.later()
    assert greeting.folder.get("greeting").version == 1
    assert greeting.folder.current().experiments.keys() == {"wording"}
    assert [each.file for each in greeting.said] == ["experiments.yaml", "greeting/2.yaml"]
    prompts.stop(greeting.path, "wording", "")
    greeting.later()
    assert greeting.folder.current().stopped == {"wording"}


def test_a_folder_that_may_not_be_listed_costs_its_prompt_alone(
    greeting: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume has a `lost+found` that is root's alone; this test may be run by root."""
    listed = scanning.os.scandir

    def refused(path: Any) -> Any:
        if Path(path).name in ("secret", "lost+found"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    greeting.version(1, name="secret")
    (greeting.path / "lost+found").mkdir()
    monkeypatch.setattr(scanning.os, "scandir", refused)
    assert greeting.folder.get("greeting").version == 1
    assert [str(each) for each in greeting.said] == ["secret: cannot be read: Permission denied"]


def test_the_folder_of_the_environment_is_used_and_one_that_is_not_named_is_told(
    greeting: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THROUGHLINE_PROMPTS", raising=False)
    with pytest.raises(prompts.PromptError, match="THROUGHLINE_PROMPTS is not set"):
        prompts.get("greeting")
    monkeypatch.setenv("THROUGHLINE_PROMPTS", str(greeting.path))
    assert throughline.prompts.get("greeting").version == 1
    assert prompts.folder() is prompts.folder()


def test_an_assignment_key_that_cannot_be_used_is_told(
    tmp_path: Path, greeting: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THROUGHLINE_PROMPTS", str(greeting.path))
    for content, told in ((None, "cannot read"), (b"short\n", "less than 16 bytes")):
        file = tmp_path / "key"
        if content:
            file.write_bytes(content)
        monkeypatch.setenv("THROUGHLINE_ASSIGNMENT_KEY_FILE", str(file))
        with pytest.raises(prompts.PromptError, match=told):
            prompts.get("greeting")


@pytest.mark.parametrize("module", ["jinja2", "pydantic", "yaml"])
def test_what_it_needs_and_is_not_installed_is_told_with_how_to_install_it(module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; import throughline; throughline.prompts"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert f"throughline.prompts needs {module}: pip install 'throughline[prompts]'" in done.stderr


def test_the_examples_of_the_readme_are_sound(written: Written) -> None:
    readme = Path(prompts.__file__).parents[3] / "README.md"
    section = readme.read_text(encoding="utf-8").partition("## Prompts and experiments")[2].partition("\n## ")[0]
    prompt, experiments = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    written.text("help-desk/3.yaml", prompt)
    written.text("experiments.yaml", experiments)
    assert prompts.look(written.path).problems == []
    written.moment = datetime(2026, 12, 2, tzinfo=UTC)
    with throughline.identify(user_id="u-0"):
        messages = written.folder.get("help-desk").render(question="When?", passages=["Soon."])
    assert messages[-1] == {"role": "user", "content": "When? Soon."}
