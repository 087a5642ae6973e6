"""A client of a model that exists nowhere, in every shape that a client's functions have, and its adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.operation import Operation
from throughline.parts import get


class Model:
    """Answers with what it is asked, word by word where a stream is wanted."""

    calls: int = 0

    def ask(self, text: str) -> dict[str, Any]:
        self.calls += 1
        if text == "fail":
            raise ValueError(text)
        return {"text": text, "in": 11, "out": 7}

    def stream(self, text: str) -> Iterator[dict[str, Any]]:
        self.calls += 1
        try:
            for word in text.split():
                if word == "fail":
                    raise ValueError(text)
                yield {"text": word}
            yield {"in": 11, "out": 7}
        finally:
            self.calls = -self.calls

    async def astream(self, text: str) -> AsyncIterator[dict[str, Any]]:
        try:
            for chunk in self.stream(text):
                yield chunk
        finally:
            self.calls = -abs(self.calls)


class Framework:
    """Runs steps given by the test, under each name that the adapter knows."""

    def agent(self, steps: Callable[[], Any]) -> Any:
        return steps()

    def tool(self, steps: Callable[[], Any]) -> Any:
        return steps()

    def workflow(self, steps: Callable[[], Any]) -> Any:
        return steps()

    def model(self, steps: Callable[[], Any]) -> Any:
        return steps()

    def agent_stream(self, steps: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        yield from steps()


class Ask(Reader):
    params = {"model": "model"}
    results = {"input_tokens": "in", "output_tokens": "out"}

    def fold(self, whole: dict[str, Any], chunk: Any) -> None:
        whole.update(chunk)


class Agent(Reader):
    operation, kind, encloses = "invoke_agent", "internal", True
    params = {"agent_name": "name"}


class Tool(Reader):
    operation, kind, encloses = "execute_tool", "internal", True
    params = {"tool_name": "name"}

    def request_content(self, op: Operation, body: Any) -> None:
        op.tool_arguments = {"name": get(body, "name")}


class Workflow(Reader):
    operation, kind, encloses = "invoke_workflow", "internal", True
    params = {"workflow_name": "name"}


class StandIn(Ask):
    gives_way = True


@dataclass
class ToyAdapter(Adapter):
    readers: dict[str, Reader] = field(
        default_factory=lambda: {
            "Model.ask": Ask(), "Model.stream": Ask(), "Model.astream": Ask(), "Framework.agent": Agent(),
            "Framework.tool": Tool(), "Framework.workflow": Workflow(), "Framework.model": StandIn(),
            "Framework.agent_stream": Agent(),
        }
    )  # fmt: skip

    @property
    def patches(self) -> Any:  # type: ignore[override]
        return [Patch(f"{__name__}:{point}") for point in self.readers]

    def route(self, call: Call) -> Route | None:
        name = call.point.partition(".")[2]
        return Route(self.readers[call.point], {"name": f"a {name}", "model": "toy-1"}, "openai", "toy.test", 443)


@dataclass(frozen=True)
class ToyClient:
    """Stands in the list of clients for the toy."""

    name: str = "toy"
    distribution: str = "pytest"
    modules: tuple[str, ...] = (__name__,)
    oldest: str = "1"

    def load(self) -> Adapter:
        return ToyAdapter()
