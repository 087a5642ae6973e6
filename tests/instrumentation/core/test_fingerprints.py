"""Which prompts have the same fingerprint, which have none, and that none of it shows what a prompt says."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
import throughline
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from instrumentation.core import toy
from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, Masker, names
from throughline.fingerprints import Fingerprints
from throughline.operation import Operation

QUESTION = "How do I send in 3 claims?"


def prompt(text: str, role: str = "user") -> Operation:
    op = Operation()
    op.input = [{"role": role, "parts": [{"type": "text", "content": text}]}]
    return op


def of(*texts: str, role: str = "user", masker: Masker | None = None) -> list[str | None]:
    made = Fingerprints(masker or Masker())
    return [made.of(prompt(text, role)) for text in texts]


def test_it_is_the_hash_that_the_rule_says() -> None:
    told = b"user\nhow do i send in 0 claims?"
    assert of(QUESTION) == [hashlib.sha256(told).hexdigest()[:16]]
    key = b"k" * 32
    assert of(QUESTION, masker=Masker(key=key)) == [hmac.new(key, told, "sha256").hexdigest()[:16]]
    assert of(QUESTION, role="system") == [hashlib.sha256(told.replace(b"user", b"system")).hexdigest()[:16]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (QUESTION, "  how do I\n\tSEND in 12,500.75 claims?"),
        ('Translate "good morning" into French', 'Translate "so long, and thanks" into French'),
        ("Translate “good morning” into French", "Translate “bye” into French"),
        ("Summarise `a b c` please", "Summarise `d` please"),
        ("Explain 'force majeure' to me", "Explain 'act of god' to me"),
        ('Say: "it never ends', 'Say: "and so does this one here'),
        ("I am ada@example.org, write to me", "I am bob.b@example.net, write to me"),
        ("My card is 4111 1111 1111 1111, ok?", "My card is 5500 0000 0000 0004, ok?"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight ten"),
    ],
)
def test_prompts_that_begin_alike_have_the_same(one: str, other: str) -> None:
    first, second = of(one, other)
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long does a claim take?", "How long does a card take?"),
        ("don't ask what it costs, tell me", "don't ask what it weighs, tell me"),
        ("one two three four five six seven eight", "one two three four five six seven nine"),
    ],
)
def test_others_have_another(one: str, other: str) -> None:
    first, second = of(one, other)
    assert first != second


def test_of_a_system_message_32_words_count() -> None:
    words = [f"w{'x' * number}" for number in range(40)]
    said = " ".join(words[:31])
    first, alike, other = of(f"{said} same a", f"{said} same b", f"{said} else a", role="system")
    assert first == alike != other


def test_instructions_come_first_wherever_a_client_keeps_them() -> None:
    made, apart, inside = Fingerprints(Masker()), prompt(QUESTION), prompt(QUESTION)
    apart.system = [{"type": "text", "content": "Be brief."}]
    said = {"role": "developer", "parts": [{"type": "text", "content": "Be brief."}]}
    inside.input = [said, *(inside.input or [])]
    assert made.of(apart) == made.of(inside) != made.of(prompt(QUESTION))
    later = prompt(QUESTION)
    later.input = [*(later.input or []), said]
    assert made.of(later) == made.of(prompt(QUESTION))


@pytest.mark.parametrize("parts", [[], [{"type": "uri", "uri": "sha256:00"}], [{"type": "text", "content": ""}]])
def test_a_prompt_without_words_has_none(parts: list[Any]) -> None:
    op = Operation()
    op.input = [{"role": "user", "parts": parts}]
    assert Fingerprints(Masker()).of(op) is None
    assert Fingerprints(Masker()).of(Operation()) is None


def test_only_the_beginning_is_looked_at() -> None:
    long = "word" * 1_000_000
    assert of(long, long + "s") == [hashlib.sha256(b"user\n" + b"word" * 50).hexdigest()[:16]] * 2


class Asking(toy.Ask):
    def request_content(self, op: Operation, body: Any) -> None:
        del body
        op.input = prompt(QUESTION).input


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "Ask", Asking)


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("settings", "there"),
    [
        ({}, False),
        ({"content": ContentMode.SPAN_ONLY}, True),
        ({"content": ContentMode.EVENT_ONLY}, True),
        ({"content": ContentMode.SPAN_AND_EVENT, "fingerprint": False}, False),
        ({"fingerprint": True}, True),
    ],
)
def test_it_is_there_where_content_is_or_where_it_is_wished(
    telemetry: Telemetry, settings: dict[str, Any], there: bool
) -> None:
    telemetry.instrument(**settings)
    Framework().agent(lambda: Model().ask("anything"))
    call, agent = telemetry.spans()
    expected = of(QUESTION)[0] if there else None
    assert call.attributes.get(names.PROMPT_FINGERPRINT) == expected
    assert telemetry.record().attributes.get(names.PROMPT_FINGERPRINT) == expected
    assert names.PROMPT_FINGERPRINT not in agent.attributes
    assert ("claims" in telemetry.everything()) is ("content" in settings)


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize("wished", [None, True])
def test_of_sealed_content_only_where_it_is_wished(telemetry: Telemetry, tmp_path: Path, wished: bool | None) -> None:
    public = X25519PrivateKey.generate().public_key()
    file = tmp_path / "auditor.pub.pem"
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    telemetry.instrument(content=ContentMode.EVENT_ONLY, seal_for_file=file, fingerprint=wished)
    Model().ask("anything")
    assert (names.PROMPT_FINGERPRINT in telemetry.record().attributes) is bool(wished)


@pytest.mark.usefixtures("asking")
def test_of_a_template_it_is_the_templates_without_any_content(telemetry: Telemetry) -> None:
    telemetry.instrument()
    digest = hashlib.sha256(b"a template").hexdigest()
    with throughline.identify(prompt_template_hash=digest):
        Model().ask("anything")
    assert telemetry.attributes()[names.PROMPT_FINGERPRINT] == digest[:16]


def test_the_setting_is_read_from_the_environment() -> None:
    read = throughline.Settings.from_environment
    values = ({}, {"THROUGHLINE_FINGERPRINT": "true"}, {"THROUGHLINE_FINGERPRINT": "0"})
    assert [read(value).fingerprint for value in values] == [None, True, False]
    with pytest.raises(ValueError, match="THROUGHLINE_FINGERPRINT"):
        read({"THROUGHLINE_FINGERPRINT": "perhaps"})
