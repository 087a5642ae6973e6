"""The numbering plans of `phonenumbers` as compiled patterns; what a number may be, not where one stands in a text.

The library is imported when the first masker is made: an application that captures no content does not pay for it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

DEFAULT_REGIONS = ("JP", "US", "GB", "DE", "FR", "IT", "NL", "CH", "AT", "BE", "SE", "AU", "NZ", "KR", "IN", "CN")


class Plan(NamedTuple):
    """How national numbers of one region look."""

    keeps_zero: bool
    """Italy: the zero is part of the number, not a trunk prefix."""
    country_code: str
    possible: re.Pattern[str]
    """Good enough for a number that is written in groups."""
    assigned: re.Pattern[str]
    """For digits in one piece, which could be anything."""


class NationalPlans:
    """The plans of the regions whose national numbers are looked for."""

    def __init__(self, regions: Sequence[str] = DEFAULT_REGIONS) -> None:
        import phonenumbers

        unknown = [region for region in regions if region not in phonenumbers.SUPPORTED_REGIONS]
        if unknown:
            raise ValueError(f"no region {', '.join(unknown)}; use ISO 3166 codes such as JP or GB")
        self._plans = [_national(region) for region in regions]

    def fit(self, digits: str, *, in_groups: bool) -> str | None:
        """The number with its country code if it fits a plan; where several fit, that of the region named first."""
        if not 9 <= len(digits) <= 12:
            return None
        for plan in self._plans:
            national = digits if plan.keeps_zero else digits[1:]
            if (plan.possible if in_groups else plan.assigned).fullmatch(national):
                return plan.country_code + national
        return None


def fits_international(digits: str) -> bool:
    """Whether the digits are a country code and a number that is possible there."""
    for length in (1, 2, 3):
        plan = _plan_of(digits[:length])
        if plan is not None:
            return plan.fullmatch(digits, length) is not None
    return False


def _national(region: str) -> Plan:
    import phonenumbers

    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assigned = (plan.mobile, plan.fixed_line, plan.toll_free, plan.voip, plan.shared_cost)
    return Plan(
        keeps_zero=plan.national_prefix != "0",
        country_code=str(plan.country_code),
        possible=re.compile(plan.general_desc.national_number_pattern),
        assigned=re.compile("|".join(filter(None, (kind and kind.national_number_pattern for kind in assigned)))),
    )


@lru_cache(maxsize=512)
def _plan_of(country_code: str) -> re.Pattern[str] | None:
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code or 0))
    if not regions:
        return None
    plan: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(country_code), regions[0])
    return re.compile(plan.general_desc.national_number_pattern)
