"""The demo: sends mixed traffic through a running stack and finds it again in the stores; shows nothing by itself."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
from elasticsearch import ApiError, Elasticsearch
from elasticsearch import ConnectionError as NotReached
from throughline import names
from throughline.store import Retention, connect, queries, reports, traces
from throughline.store.queries import CONTENTS, EVALUATIONS, RECORDS, REJECTED, SPANS, Document, Search
from throughline.store.storage import storage
from throughline.store.traces import Step
from throughline.tls import client_of

from native import legacy, planted
from native.commands import Commands, Done
from native.stack import Stack, retention
from native.traffic import CANARIES, Ask, Outcome, drive, plan, requests_seen

PATIENCE: Final = 90.0
PATIENCE_WITH_PANELS: Final = 15.0
SECONDS_BEFORE: Final = 30.0
"""Of what the boards show, before the round: some of their series need more than one point."""
POLL_SECONDS: Final = 0.25
_SAMPLED: Final = re.compile(r"^otelcol_processor_tail_sampling_(global_)?count_traces_sampled_total\{(.*)\} (\S+)$")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sampling:
    """What the sampler decided, counted since the Collector started."""

    kept: int
    dropped: int
    reasons: dict[str, int]
    """Policy → traces that it kept; the first policy that matches counts."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `throughline verify` says of this round's records."""

    is_sound: bool
    records: int
    proven: int
    chains: int
    findings: tuple[str, ...]


def attempts(records: Sequence[Document]) -> int:
    """How many requests these model calls made, the client's own retries included."""
    return sum(each["attributes"].get(names.ATTEMPT_COUNT, 1) for each in records)


class Demo:
    """One round of traffic and what became of it."""

    def __init__(self, stack: Stack, count: int) -> None:
        self.stack, self.run_id = stack, secrets.token_hex(6)
        self.asks: list[Ask] = plan(count, self.run_id)
        self.outcomes: list[Outcome] = []
        self.requests, self._started = 0, time.time()
        verified = client_of("JAEGER", stack.addresses) or True
        self._http = httpx.Client(timeout=30, trust_env=False, verify=verified)
        self._store: Elasticsearch = connect(stack.addresses)
        self._commands = Commands(stack)
        self._before = self.sampling()

    def send(self, done: Callable[[Outcome], None]) -> None:
        """Send all requests; `done` is told of each."""
        gateway, simulator = self.stack.addresses["GATEWAY_URL"], self.stack.addresses["SIMULATOR_URL"]
        seen = asyncio.run(requests_seen(simulator))
        with ThreadPoolExecutor(1) as beside:
            old_service = beside.submit(legacy.run, self.stack.addresses)
            self.outcomes = asyncio.run(drive(gateway, simulator, self.asks, done))
            old_service.result()
        self.requests = asyncio.run(requests_seen(simulator)) - seen

    # --- finding it again -------------------------------------------------------------------------------------------

    @property
    def mine(self) -> Search:
        """The records of this round's model calls: those of its people's sessions."""
        return Search(since=self._since, operation="chat")

    @property
    def _since(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._started))

    def records(self) -> list[Document]:
        """All records of this round's model calls, once they tell of all that the model got, or patience ends."""
        return self._eventually(self._records, lambda found: attempts(found) >= self.requests)

    def _records(self) -> list[Document]:
        found = queries.find(self._store, RECORDS, self.mine, 10_000)
        return [each for each in found if str(each["attributes"].get(names.SESSION_ID, "")).startswith(self.run_id)]

    def whole(self, record: Document) -> Document:
        """The record with what was said, which arrives beside it."""
        identity = record["_id"]
        said = self._eventually(lambda: queries.contents(self._store, records=[identity]), bool)
        return queries.with_contents([record], said)[0]

    def decided(self) -> Sampling:
        """The sampler's decisions on this round, once it has judged every trace of it, or patience ends."""

        def change() -> Sampling:
            now, before = self.sampling(), self._before
            reasons = {name: count - before.reasons.get(name, 0) for name, count in now.reasons.items()}
            return Sampling(now.kept - before.kept, now.dropped - before.dropped, reasons)

        return self._eventually(change, lambda found: found.kept + found.dropped >= self.traces)

    @property
    def traces(self) -> int:
        """How many traces the round made: of questions and of ratings."""
        return len(self.asks) + sum(outcome.is_rated for outcome in self.outcomes)

    def trace(self, trace_id: str, least: int = 1) -> list[Step]:
        """The steps of a trace as Jaeger has them."""
        url = self.stack.addresses["JAEGER_URL"]
        return self._eventually(
            lambda: traces.from_jaeger(self._http, url, trace_id), lambda found: len(found) >= least
        )

    def kept_traces(self, candidates: Sequence[str]) -> list[str]:
        """Which of these traces Jaeger has, in their order."""
        url = self.stack.addresses["JAEGER_URL"]
        return [trace_id for trace_id in candidates if traces.from_jaeger(self._http, url, trace_id)]

    def leaks(self) -> list[str]:
        """Pieces of the planted personal data that some record, its content or a span contains in the clear."""
        search, indices = Search(since=self._since), (RECORDS, CONTENTS, EVALUATIONS, REJECTED, SPANS)
        texts = [str(each) for index in indices for each in queries.find(self._store, index, search, 10_000)]
        return [canary for canary in CANARIES if any(canary in text for text in texts)]

    def let_through(self) -> list[Document]:
        """Records of the old service, in which the Collector masked what nobody had masked before."""
        search = Search(since=self._since, service=legacy.SERVICE)

        def find() -> list[Document]:
            found = queries.find(self._store, RECORDS, search)
            return [each for each in found if each["attributes"].get(names.MASK_SECOND_PASS)]

        return self._eventually(find, bool)

    # --- by command ---------------------------------------------------------------------------------------------------

    def compared(self) -> list[dict[str, Any]]:
        """What `throughline compare` finds, published for the boards; empty where it finds nothing."""
        return self._commands.throughline(
            "compare", planted.PROMPT, "--since", self._since, "--publish", "--json"
        ).lines

    def difference(self) -> float:
        """The difference that was planted between the variants' ratings."""
        rated = [(each.prompt["variant"], each.answer) for each in self.outcomes if each.is_rated]
        return planted.planted_difference(rated)

    def why(self, trace_id: str) -> dict[str, Any]:
        """What `throughline why` says of a request, beside this round's others; empty where it says nothing."""
        return next(iter(self._commands.throughline("why", trace_id, "--since", self._since, "--json").lines), {})

    def erased(self) -> Done:
        """Have the person forgotten who asked for it."""
        return self._commands.throughline("erase", "--user", planted.LEAVER, "--reason", planted.REASON, "--yes")

    def left_of_leaver(self) -> int:
        """How many records name that person, once none does, or patience ends: his name is what goes last."""
        search = Search(since=self._since, user=planted.LEAVER)
        return self._eventually(lambda: len(queries.find(self._store, RECORDS, search)), lambda count: not count)

    def keep_house(self) -> None:
        """Report what is stored, as housekeeping does every few minutes."""
        with connect(self.stack.addresses, operator=True) as client:
            reports.publish(client, storage(client, Retention.read(retention())))

    def verified(self) -> Verdict:
        """The verdict on this round's evidence, once every record of it is signed for, or patience ends."""
        return self._eventually(self._verdict, lambda found: found.is_sound and found.proven == found.records)

    def _verdict(self) -> Verdict:
        evidence = ("--namespace", "default")  # not what the old service sends, which nothing proves
        done = self._commands.throughline("verify", "--since", self._since, *evidence, "--publish", "--json")
        if not done.said:
            return Verdict(is_sound=False, records=0, proven=0, chains=0, findings=(done.trouble,))
        *found, whole = done.lines
        findings = tuple(f"{each['found']}: {each['count']}" for each in found if not each["is_note"])
        return Verdict(whole["sound"], whole["records"], whole["proven"], whole["chains"], findings)

    def empty_panels(self) -> list[str]:
        """Panels that show nothing of this round, once it is all there, or a little patience ends."""
        since = self._started - SECONDS_BEFORE
        return self._eventually(
            lambda: self._commands.empty_panels(time.time() - since), lambda found: not found, PATIENCE_WITH_PANELS
        )

    # --- figures ------------------------------------------------------------------------------------------------------

    def figures(self) -> queries.Figures:
        """Latency, errors and tokens of all model calls of this round."""
        return queries.total(self._store, self.mine)

    def top(self, by: queries.By) -> list[queries.Figures]:
        """The same by group."""
        return queries.top(self._store, by, self.mine)

    def sampling(self) -> Sampling:
        """The sampler's counts, out of the Collector's own metrics."""
        totals = {"true": 0, "false": 0}
        reasons: dict[str, int] = {}
        for line in self._http.get(self.stack.addresses["COLLECTOR_METRICS_URL"]).text.splitlines():
            if not (found := _SAMPLED.match(line)):
                continue
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2]))
            if found[1]:
                totals[labels["sampled"]] += int(float(found[3]))
            elif labels["sampled"] == "true":
                reasons[labels["policy"]] = reasons.get(labels["policy"], 0) + int(float(found[3]))
        return Sampling(totals["true"], totals["false"], reasons)

    def _eventually(self, find: Callable[[], T], enough: Callable[[T], bool], patience: float = PATIENCE) -> T:
        """Look until there is enough, or say after so many seconds what there is."""
        deadline = time.monotonic() + patience
        while True:
            self.stack.supervisor.check()
            try:
                found = find()
            except (ApiError, NotReached, httpx.HTTPError):
                if time.monotonic() > deadline:
                    raise
            else:
                if enough(found) or time.monotonic() > deadline:
                    return found
            time.sleep(POLL_SECONDS)
