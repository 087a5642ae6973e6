"""Masks personal data and credentials before content leaves the process; knows neither OpenTelemetry nor a client."""

from throughline.privacy.masking import Masker
from throughline.privacy.rules import MaskingConfigurationError

__all__ = ["Masker", "MaskingConfigurationError"]
