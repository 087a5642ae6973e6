"""Scenarios of patching, for every client: complete, undone by identity, and sturdy where a point is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import throughline
import wrapt
from instrumentation.endings import Endings
from instrumentation.harmless import Harmless
from instrumentation.operations import Callers, Content, Whole
from instrumentation.scenarios import Client, answering
from instrumentation.telemetry import Telemetry
from throughline import instrumentor
from throughline.adapter import Patch


def found(patch: Patch) -> Any:
    """What stands at this point of the client now, as its owner keeps it; None where it is not there."""
    module, _, path = patch.point.partition(":")
    try:
        owner, name, _ = wrapt.resolve_path(module, path)
    except (ImportError, AttributeError):
        return None
    return vars(owner).get(name)


class Patching:
    """Every point is patched, put back by identity, and missed with one warning and no harm to the others."""

    client: ClassVar[Client]

    def patches(self) -> list[Patch]:
        return list(self.client.adapter.patches)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "gone" in metafunc.fixturenames:
            points = [patch.point for patch in self.patches() if not patch.optional and not patch.late]
            metafunc.parametrize("gone", points)

    def status(self) -> instrumentor.ClientStatus:
        (status,) = [status for status in instrumentor.status() if status.client == self.client.name]
        return status

    async def test_originals_are_put_back_by_identity_and_patched_again(self, telemetry: Telemetry) -> None:
        before = [found(patch) for patch in self.patches()]
        assert any(before)
        telemetry.instrument()
        assert (self.status().state, self.status().missing) == ("patched", ())
        changed = [found(patch) for patch in self.patches()]
        assert all(new is not old for new, old in zip(changed, before, strict=True) if old is not None)
        throughline.uninstrument()
        assert all(new is old for new, old in zip(map(found, self.patches()), before, strict=True))
        telemetry.instrument()
        api = self.client.api(answering(self.client.answer(self.client.exchange, streamed=False)))
        await self.client.call("reply", api, self.client.exchange.request)
        assert telemetry.span()

    @pytest.mark.complains
    async def test_a_missing_point_is_said_once_and_harms_nothing(
        self, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: str
    ) -> None:
        patches = [replace(p, point=f"{p.point}_gone") if p.point == gone else p for p in self.patches()]
        monkeypatch.setattr(type(self.client.adapter), "patches", patches)
        telemetry.instrument()
        api = self.client.api(answering(self.client.answer(self.client.exchange, streamed=False)))
        await self.client.call("reply", api, self.client.exchange.request)
        (warning,) = [line for line in caplog.messages if "is not recorded" in line]
        assert gone.partition(":")[2] in warning
        assert (self.status().state, self.status().missing) == ("partly patched", (f"{gone}_gone",))

    def test_a_client_can_be_left_alone(self, telemetry: Telemetry) -> None:
        before = [found(patch) for patch in self.patches()]
        telemetry.instrument(disabled_clients=frozenset({self.client.name}))
        assert all(new is old for new, old in zip(map(found, self.patches()), before, strict=True))

    def test_reasons_are_given_for_scenarios_that_there_are(self) -> None:
        scenarios = (Whole, Content, Callers, Endings, Harmless, Patching)
        assert all(any(hasattr(one, name) for one in scenarios) for name in self.client.cannot)
        assert all(self.client.cannot.values())
