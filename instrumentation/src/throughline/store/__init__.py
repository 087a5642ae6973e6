"""Elasticsearch as Throughline's store: connection, index templates and retention, the same natively and in compose."""

from throughline.store.connection import connect
from throughline.store.provisioning import setup
from throughline.store.retention import Retention

__all__ = ["Retention", "connect", "setup"]
