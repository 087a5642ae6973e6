"""One file per client library, and the list of them."""

from throughline.adapter import Adapter
from throughline.adapters.anthropic import Anthropic
from throughline.adapters.openai import OpenAI

ADAPTERS: tuple[Adapter, ...] = (Anthropic(), OpenAI())
