"""What has to hold of the demo's round, each with what was found of it; shows nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from throughline import names
from throughline.store.queries import Document

from native import legacy, planted
from native.check import Check
from native.commands import Done
from native.demo import Demo, Sampling, Verdict, attempts
from native.traffic import PEOPLE

MOST_BY_CHANCE = 0.25  # of ordinary traces, where the Collector's base rate is a tenth


def of_records(demo: Demo, sampling: Sampling, records: list[Document], failed: list[str]) -> list[Check]:
    """What the records and the sampler have of all that was asked; `failed`: the failed requests' traces."""
    asked, decided, base = len(demo.asks), sampling.kept + sampling.dropped, sampling.reasons.get("base", 0)
    told, traces = attempts(records), {each["trace_id"] for each in records}
    kept, leaks, masks = len(demo.kept_traces(failed)), demo.leaks(), _masks(records)
    people, variants = _values(records, names.USER_ID), _values(records, names.PROMPT_VARIANT)
    return [
        Check(
            "every question has the records of its model calls",
            len(traces) == asked,
            f"{len(records)} calls for {len(traces)} of {asked} questions",
        ),
        Check(
            "the records account for every request that the model got",
            told == demo.requests,
            f"{told} attempts recorded, {demo.requests} requests seen by the model",
        ),
        Check("the sampler judged every trace", decided >= demo.traces, f"{decided} judged of {demo.traces}"),
        Check("it kept every failed one", 0 < kept == len(failed), f"{kept} of {len(failed)}"),
        Check(
            "and only some of the ordinary ones", 0 < base < demo.traces * MOST_BY_CHANCE, f"{base} by the base rate"
        ),
        Check("who asked is on every record", "" not in people and len(people) <= PEOPLE + 1, f"{len(people)} people"),
        Check("and which prompt", "" not in variants and len(variants) > 1, ", ".join(sorted(variants))),
        Check(
            "personal data was masked", bool(masks), ", ".join(f"{kind} in {n}" for kind, n in sorted(masks.items()))
        ),
        Check(
            "and is nowhere in the clear", not leaks, f"{len(leaks)} planted values found" if leaks else "none found"
        ),
    ]


def let_through(found: list[Document]) -> Check:
    """What nobody had masked before the Collector."""
    masked = sum(each["attributes"][names.MASK_SECOND_PASS] for each in found)
    told = f"{masked} of {legacy.SERVICE}, an old service without masks" if masked else "nothing of the old service"
    return Check("what reached the Collector in the clear, it masked", masked > 0, told)


def erased(done: Done, still_named: int) -> Check:
    """The command ends with 1 where something is left, as in this Jaeger, which keeps traces in memory."""
    left = [line for line in done.said.splitlines() if line.startswith("left: ")]
    is_gone = done.code == 0 or (done.code == 1 and bool(left) and all("Jaeger" in line for line in left))
    told = "; ".join([f"{still_named} records name {planted.LEAVER}", *(left or filter(None, [done.trouble]))])
    return Check("whoever asks to be forgotten is", is_gone and not still_named, told)


def boards(panels: Mapping[str, int], empty: list[str]) -> Check:
    """`panels`: how many each board has; `empty`: those with nothing to show, and why."""
    told = "; ".join(empty) or f"{sum(panels.values())} panels on {len(panels)} boards"
    return Check("every panel of every dashboard has something to show", bool(panels) and not empty, told)


def verified(verdict: Verdict) -> Check:
    """Every record of the round is signed for, and nothing is wrong."""
    told = f"{verdict.proven:,} of {verdict.records:,} records in {verdict.chains} chains are proven by signatures"
    holds = verdict.is_sound and 0 < verdict.proven == verdict.records
    return Check("throughline verify finds the evidence whole", holds, "; ".join((told, *verdict.findings)))


def _values(records: list[Document], name: str) -> set[str]:
    """What the records say under this attribute; the empty string stands for a record that says nothing."""
    return {str(each["attributes"].get(name, "")) for each in records}


def _masks(records: list[Document]) -> Counter[str]:
    """In how many records each kind was masked."""
    return Counter(kind.partition(":")[0] for each in records for kind in each["attributes"].get(names.MASK_KINDS, ()))
