"""Parts of queries as Grafana's Elasticsearch data source reads them; what a panel asks is put together of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.elasticsearch import BucketAggregation, MetricAggregation

from panels import fields, sources
from panels.variables import CALLS as CHOSEN_CALLS

CALLS: Final = "1"
ERRORS: Final = "2"
RATIO: Final = "3"
PERCENTS: Final = ("50", "95", "99")
# No bucket narrower than that: a call or two in each say nothing.
FINEST: Final = "10s"


def over_time(every: str = "auto") -> model.DateHistogram:
    """Buckets as wide as the panel and the chosen time ask for, or as is said; empty ones too."""
    settings = model.ElasticsearchDateHistogramSettings(interval=every, min_doc_count="0", trim_edges="0")
    return model.DateHistogram(field=fields.TIME, id_val="20", settings=settings)


def by(field: str, *, size: int = 10, missing: str | None = None, identity: str = "10") -> model.Terms:
    """One bucket for each value of the field, the most frequent first."""
    settings = model.ElasticsearchTermsSettings(
        order=model.TermsOrder.DESC, size=str(size), min_doc_count="1", order_by="_count", missing=missing
    )
    return model.Terms(field=field, id_val=identity, settings=settings)


def each(*names: str) -> list[BucketAggregation]:
    """One bucket for each value of the first field, in it one for each of the second, and so on."""
    return [by(name, identity=str(10 + place)) for place, name in enumerate(names)]


def each_over_time(*names: str) -> list[BucketAggregation]:
    """The same, and in each the moments of the chosen time."""
    return [*each(*names), over_time()]


def altogether() -> model.Terms:
    """One bucket for the chosen time, none without records: every record is the same event, so 0 never stands for none.

    Reducing a time series instead would average the buckets' percentiles and shares.
    """
    return by(fields.EVENT, size=1)


def calls(*, hide: bool = False) -> model.Count:
    """How many records."""
    return model.Count(id_val=CALLS, hide=hide or None)


def errors(*, hide: bool = False) -> model.Sum:
    """How many of them failed: the script counts the error of each record that has a duration, and all have one."""
    script = f"doc['{fields.ERROR}'].size()"
    settings = model.ElasticsearchSumSettings(script=script)
    return model.Sum(field=fields.DURATION, id_val=ERRORS, settings=settings, hide=hide or None)


def error_share() -> model.BucketScript:
    """Failed calls by all calls, between 0 and 1; needs `calls` and `errors` beside it."""
    return ratio(RATIO, "params.errors / params.calls", errors=ERRORS, calls=CALLS)


def per_second() -> model.BucketScript:
    """Calls a second in each bucket over time; needs `calls` beside it."""
    return ratio(RATIO, "params.calls * 1000.0 / $__interval_ms", calls=CALLS)


def ratio(identity: str, script: str, **variables: str) -> model.BucketScript:
    """A number made of other metrics' numbers."""
    return model.BucketScript(
        id_val=identity,
        pipeline_variables=[model.PipelineVariable(name=name, pipeline_agg=of) for name, of in variables.items()],
        settings=model.ElasticsearchBucketScriptSettings(script=script),
    )


def percentiles(*percents: str, of: str = fields.DURATION, identity: str = "5") -> model.Percentiles:
    """Percentiles of a number, from all records and not from averages."""
    settings = model.ElasticsearchPercentilesSettings(percents=list(percents or PERCENTS))
    return model.Percentiles(field=of, id_val=identity, settings=settings)


def total(field: str, identity: str) -> model.Sum:
    """The sum of a number over all records."""
    return model.Sum(field=field, id_val=identity)


def term(field: str) -> str:
    """What stands in a series' name for its bucket of this field."""
    return f"{{{{term {field}}}}}"


def ask(
    metrics: Sequence[MetricAggregation],
    buckets: Sequence[BucketAggregation],
    *,
    only: str | None = None,
    of: str = CHOSEN_CALLS,
    source: DataSourceRef = sources.RECORDS,
    alias: str | None = None,
    name: str = "A",
) -> Dataquery:
    """A query of the documents that the filter `of` leaves, and of these `only` some."""
    query = Dataquery().datasource(source).ref_id(name).time_field(fields.TIME)
    query = query.query(f"{of} AND {only}" if only else of)
    built = query.build()
    built.metrics, built.bucket_aggs, built.alias = list(metrics), list(buckets), alias
    return query
