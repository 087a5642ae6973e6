"""References to the data sources of provisioning/, by their fixed ids; their addresses stand there."""

from typing import Final

from grafana_foundation_sdk.models.common import DataSourceRef

RECORDS: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-records")
CONTENT: Final = DataSourceRef(type_val="elasticsearch", uid="throughline-content")
JAEGER: Final = DataSourceRef(type_val="jaeger", uid="throughline-jaeger")
