"""References to the data sources of provisioning/, by their fixed ids; their addresses stand there."""

from typing import Final

from grafana_foundation_sdk.models.common import DataSourceRef

RECORDS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-records")
OPERATIONS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-operations")
CONTENT: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-content")
EVALUATIONS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-evaluations")
AUDIT: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-audit")
REPORTS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-reports")
METRICS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-metrics")
JAEGER: Final = DataSourceRef(type_val="jaeger", uid="throughline-jaeger")
