"""What the tests of this folder pass around: documents, and the function that writes them; it writes nothing itself."""

from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Write = Callable[[str, Mapping[str, Document]], dict[str, str]]
