"""The six commands as processes: help, exit codes, refusals without secrets, and a quiet end on a signal."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAMS = Path(sys.executable).parent
LISTEN = {
    "throughline-gateway": "GATEWAY_LISTEN",
    "throughline-prompt-builder": "PROMPT_BUILDER_LISTEN",
    "throughline-llm-caller": "LLM_CALLER_LISTEN",
    "throughline-postprocessor": "POSTPROCESSOR_LISTEN",
    "throughline-simulator": "SIMULATOR_LISTEN",
}
COMMANDS = [*LISTEN, "throughline-corpus"]
Process = asyncio.subprocess.Process


async def start(command: str, *arguments: str, **environment: str) -> Process:
    pipe = asyncio.subprocess.PIPE
    program = str(PROGRAMS / command)
    return await asyncio.create_subprocess_exec(program, *arguments, env=environment, stdout=pipe, stderr=pipe)


async def finished(command: str, *arguments: str, **environment: str) -> tuple[int | None, str, str]:
    process = await start(command, *arguments, **environment)
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


@pytest.fixture
async def listening() -> AsyncIterator[Callable[..., Any]]:
    """Starts a command on a free port, waits until it listens; what still runs is killed by its id."""
    async with AsyncExitStack() as stack:

        async def begin(command: str, *arguments: str) -> tuple[Process, int, list[str]]:
            process = await start(command, *arguments, **{LISTEN[command]: "127.0.0.1:0"})
            stack.push_async_callback(_end, process)
            assert process.stderr is not None
            lines: list[str] = []
            async for line in process.stderr:
                lines.append(line.decode())
                if told := re.search(r"listens on .*127\.0\.0\.1:(\d+)", lines[-1]):
                    return process, int(told[1]), lines
            pytest.fail("".join(lines))

        yield begin


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_lists_every_flag_with_its_variable_and_default(command: str) -> None:
    code, out, _ = await finished(command, "--help")
    assert code == 0
    assert "SHUTDOWN_GRACE, default 20.0" in re.sub(r"\s+", " ", out)
    assert LISTEN.get(command, "ELASTICSEARCH_URL") in out


@pytest.mark.parametrize("command", LISTEN)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_with_0_and_no_trace(listening: Any, command: str, number: signal.Signals) -> None:
    process, _, lines = await listening(command)
    process.send_signal(number)
    _, errors = await process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in "".join(lines) + errors.decode()


@pytest.mark.parametrize("command", LISTEN)
async def test_address_in_use_exits_with_1_and_says_so(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, errors = await finished(command, "--listen", address)
    assert code == 1
    assert f"cannot listen on {address}" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("command", "environment", "complaint"),
    [
        ("throughline-gateway", {"GATEWAY_LISTEN": "canary-3301"}, "GATEWAY_LISTEN: Value error, expected HOST:PORT"),
        ("throughline-llm-caller", {"LLM_TIMEOUT": "canary-3301"}, "LLM_TIMEOUT: "),
        ("throughline-postprocessor", {"GRPC_TLS_CERT": "canary-3301"}, "set both or neither"),
        ("throughline-simulator", {"SIMULATOR_FAULT": "flood=0.5"}, "unknown fault flood: use rate_limit"),
        (
            "throughline-corpus",
            {"ELASTICSEARCH_API_KEY": "canary-3301", "ELASTICSEARCH_API_KEY_FILE": "canary-3301"},
            "not both",
        ),
    ],
)
async def test_wrong_setting_exits_with_2_and_names_the_variable_not_its_value(
    command: str, environment: dict[str, str], complaint: str
) -> None:
    code, _, errors = await finished(command, **environment)
    assert code == 2
    assert complaint in errors
    assert "canary-3301" not in errors


async def test_flag_wins_over_the_environment() -> None:
    code, _, errors = await finished("throughline-simulator", "--latency", "-1", SIMULATOR_LATENCY="0.1")
    assert (code, "LATENCY" in errors.upper()) == (2, True)


async def test_wrong_masking_rules_stop_the_postprocessor(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("not: [rules")
    code, _, errors = await finished("throughline-postprocessor", THROUGHLINE_MASK_RULES=str(rules))
    assert code == 1
    assert "masking" in errors
    assert "Traceback" not in errors


async def test_corpus_without_elasticsearch_exits_with_1_and_says_where_it_looked() -> None:
    code, _, errors = await finished("throughline-corpus", ELASTICSEARCH_URL="http://127.0.0.1:1")
    assert code == 1
    assert "http://127.0.0.1:1" in errors
    assert "Traceback" not in errors


async def test_running_stream_is_finished_before_the_process_ends(listening: Any) -> None:
    process, port, _ = await listening("throughline-simulator", "--latency", "0", "--inter-chunk", "0.1")
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    received = []
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", url, json=body, headers={"authorization": "Bearer k"}) as reply,
    ):
        async for line in reply.aiter_lines():
            if not received:
                process.send_signal(signal.SIGTERM)
            received += [line]
    assert [line for line in received if line][-1] == "data: [DONE]"
    await process.communicate()
    assert process.returncode == 0


async def test_stubs_are_those_of_the_contracts() -> None:
    generator = Path(__file__).parents[2] / "services" / "proto" / "generate.py"
    process = await asyncio.create_subprocess_exec(sys.executable, str(generator), "--check")
    assert await process.wait() == 0
