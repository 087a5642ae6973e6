"""What a call cost, written on its operation where that is known. The prices are `prices.py`'s."""

from __future__ import annotations

from throughline import names
from throughline.operation import Operation
from throughline.prices import Prices

_LIST_PRICED = (None, "auto", "default", "standard")  # tiers of service that cost what the list says
_WRITES_NOTHING = ("embeddings", "retrieval")


def charge(op: Operation, prices: Prices, at: float) -> None:
    """Write amount, parts, currency and version of the list on `op`, which began `at` this Unix time in seconds.

    Nothing where the model is not known, or was served at a tier that the list does not speak of.
    """
    if op.off_list or op.extra.get(names.OPENAI_RESPONSE_SERVICE_TIER) not in _LIST_PRICED:
        return
    cost = prices.cost(
        op.provider,
        op.response_model or op.model,  # the request's may be the name of a deployment
        input_tokens=op.input_tokens,
        output_tokens=0 if op.output_tokens is None and op.name in _WRITES_NOTHING else op.output_tokens,
        cache_read_tokens=op.cache_read_tokens,
        cache_creation_tokens=op.cache_creation_tokens,
        reasoning_tokens=op.reasoning_tokens,
        at=at,
        address=op.server_address,
    )
    if cost is not None:
        op.cost, op.cost_currency, op.price_version = cost.amount, cost.currency, cost.price_version
        op.extra.update(cost.parts)
