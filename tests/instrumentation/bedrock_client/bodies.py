"""Bodies that Bedrock passes through to models of all families, and what is to be recorded of each. Data only."""

from __future__ import annotations

import json
from typing import Any

from instrumentation.bedrock_client.exchanges import INPUT, RECORDED, said, text
from instrumentation.bedrock_client.exchanges import chunks as converse_chunks
from instrumentation.bedrock_client.exchanges import reply as converse_reply
from instrumentation.scenarios import Exchange
from throughline import names

METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 12, "outputTokenCount": 8, "firstByteLatency": 1}}
COUNTED = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 8}  # by Bedrock, as the model counts nothing
HELLO_ANTHROPIC: dict[str, Any] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Say hello."}],
}
SAID = {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))}


def exchange(
    model: str, body: Any, reply: Any, chunks: list[Any], recorded: dict[str, Any], content: Any = None, **ways: Any
) -> Exchange:
    return Exchange(
        request={"modelId": model, "body": json.dumps(body)},
        reply=reply,
        chunks=chunks,
        recorded={**RECORDED, "gen_ai.request.model": model, **recorded},
        content=SAID if content is None else content,
        ways=ways.get("ways", ("reply", "stream")),
    )


def completed(**parameters: Any) -> dict[str, Any]:
    named = {f"gen_ai.request.{key}": value for key, value in parameters.items()}
    return {"gen_ai.operation.name": "text_completion", **named}


CLAUDE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-9", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Hello."}],
    "usage": {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 100},
}  # fmt: skip
CLAUDE_CHUNKS = [
    {"type": "message_start", "message": {**CLAUDE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop", **METRICS},
]
PLAIN = Exchange(
    request={"modelId": "anthropic.claude-sonnet-9-v1:0", "guardrailIdentifier": "guard-1", "guardrailVersion": "1",
             "body": json.dumps({**HELLO_ANTHROPIC, "temperature": 1, "top_k": 40, "system": "Be brief."})},
    reply=CLAUDE,
    chunks=CLAUDE_CHUNKS,
    recorded={**RECORDED, "gen_ai.request.model": "anthropic.claude-sonnet-9-v1:0", "gen_ai.request.max_tokens": 50,
              "gen_ai.request.temperature": 1.0, "gen_ai.request.top_k": 40, "aws.bedrock.guardrail.id": "guard-1",
              "gen_ai.response.id": "msg_1", "gen_ai.response.model": "claude-sonnet-9",
              "gen_ai.usage.input_tokens": 111, "gen_ai.usage.cache_read.input_tokens": 100},
    content={**SAID, names.SYSTEM_INSTRUCTIONS: [text("Be brief.")]},
)  # fmt: skip
NOVA_REPLY = converse_reply({"text": "Hello."}, cacheReadInputTokenCount=4)
NOVA = exchange(
    "eu.amazon.nova-pro-v1:0",
    {"messages": [{"role": "user", "content": [{"text": "Say hello."}]}],
     "inferenceConfig": {"max_new_tokens": 50, "topP": 0.9, "topK": 20}},
    NOVA_REPLY,
    converse_chunks(NOVA_REPLY, [{"text": "Hel"}, {"text": "lo."}]),
    {"gen_ai.request.max_tokens": 50, "gen_ai.request.top_p": 0.9, "gen_ai.request.top_k": 20,
     "gen_ai.usage.input_tokens": 15, "gen_ai.usage.cache_read.input_tokens": 4},
)  # fmt: skip
TITAN = exchange(
    "amazon.titan-text-premier-v1:0",
    {"inputText": "Say hello.", "textGenerationConfig": {
        "maxTokenCount": 50, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]}},
    {"inputTextTokenCount": 11, "results": [{"tokenCount": 7, "outputText": "Hello.", "completionReason": "FINISH"}]},
    [{"outputText": "Hel", "index": 0, "totalOutputTextTokenCount": None, "completionReason": None},
     {"outputText": "lo.", "index": 0, "totalOutputTextTokenCount": 7, "completionReason": "FINISH",
      "inputTextTokenCount": 11, **METRICS}],
    completed(max_tokens=50, temperature=0.5, top_p=0.9, stop_sequences=["END"]),
)  # fmt: skip
LLAMA = exchange(
    "arn:aws:bedrock:eu-west-1::foundation-model/meta.llama9-1b-instruct-v1:0",
    {"prompt": "Say hello.", "max_gen_len": 50, "temperature": 0.5},
    {"generation": "Hello.", "prompt_token_count": 11, "generation_token_count": 7, "stop_reason": "length"},
    [{"generation": "Hel", "prompt_token_count": 11, "generation_token_count": 1, "stop_reason": None},
     {"generation": "lo.", "prompt_token_count": None, "generation_token_count": 7, "stop_reason": "length"}],
    {**completed(max_tokens=50, temperature=0.5), "gen_ai.response.finish_reasons": ["length"]},
    {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."), finish_reason="length")},
)  # fmt: skip
MISTRAL = exchange(
    "mistral.mistral-large-9-v1:0",
    {"prompt": "Say hello.", "max_tokens": 50, "top_k": 3, "stop": ["END"]},
    {"outputs": [{"text": "Hello.", "stop_reason": "stop"}]},
    [
        {"outputs": [{"text": "Hel", "stop_reason": None}]},
        {"outputs": [{"text": "lo.", "stop_reason": "stop"}], **METRICS},
    ],
    {**completed(max_tokens=50, top_k=3, stop_sequences=["END"]), **COUNTED},
)
CALL = {"id": "call-1", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
MISTRAL_CHAT = exchange(
    "mistral.mistral-large-9-v1:0",
    {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 50},
    {"choices": [{"index": 0, "message": {"role": "assistant", "content": "", "tool_calls": [CALL]},
                  "stop_reason": "tool_calls"}]},
    [{"choices": [{"index": 0, "message": {"role": "assistant", "content": "", "tool_calls": [CALL]},
                   "stop_reason": None}]},
     {"choices": [{"index": 0, "message": {"content": ""}, "stop_reason": "tool_calls"}], **METRICS}],
    {"gen_ai.request.max_tokens": 50, "gen_ai.response.finish_reasons": ["tool_call"], **COUNTED},
    {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(
        {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}},
        finish_reason="tool_call")},
)  # fmt: skip
GPT = exchange(
    "openai.gpt-oss-9b-1:0",
    {"messages": [{"role": "user", "content": "Say hello."}], "max_completion_tokens": 50, "reasoning_effort": "low"},
    {"id": "chatcmpl-1", "model": "gpt-oss", "usage": {"prompt_tokens": 11, "completion_tokens": 7},
     "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}]},
    [{"id": "chatcmpl-1", "model": "gpt-oss", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
     {"id": "chatcmpl-1", "model": "gpt-oss", "usage": {"prompt_tokens": 11, "completion_tokens": 7},
      "choices": [{"index": 0, "delta": {"content": "lo."}, "finish_reason": "stop"}]}],
    {"gen_ai.request.max_tokens": 50, "gen_ai.request.reasoning.level": "low", "gen_ai.response.id": "chatcmpl-1",
     "gen_ai.response.model": "gpt-oss"},
)  # fmt: skip
COMMAND = exchange(
    "cohere.command-text-v14",
    {"prompt": "Say hello.", "max_tokens": 50, "p": 0.9, "k": 5, "num_generations": 2},
    {"id": "gen-0", "prompt": "Say hello.", "generations": [
        {"id": "gen-1", "text": "Hello.", "finish_reason": "COMPLETE"},
        {"id": "gen-2", "text": "Hi.", "finish_reason": "MAX_TOKENS"}]},
    [],
    {**completed(max_tokens=50, top_p=0.9, top_k=5, **{"choice.count": 2}), **COUNTED, "gen_ai.response.id": "gen-0",
     "gen_ai.response.finish_reasons": ["stop", "length"]},
    {names.INPUT_MESSAGES: INPUT,
     names.OUTPUT_MESSAGES: said(text("Hello.")) + said(text("Hi."), finish_reason="length")},
    ways=("reply",),
)  # fmt: skip
COMMAND_R_REPLY = {"response_id": "r", "generation_id": "gen-1", "text": "Hello.", "finish_reason": "COMPLETE"}
COMMAND_R = exchange(
    "cohere.command-r-plus-v1:0",
    {"message": "Say hello.", "preamble": "Be brief.", "max_tokens": 50, "p": 0.9, "k": 5, "seed": 7,
     "chat_history": [{"role": "USER", "message": "Who?"}, {"role": "CHATBOT", "message": "I."}],
     "tools": [{"name": "weather", "description": "The weather."}]},
    COMMAND_R_REPLY,
    [{"event_type": "stream-start", "generation_id": "gen-1"}, {"event_type": "text-generation", "text": "Hel"},
     {"event_type": "text-generation", "text": "lo."},
     {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"text": "Hello."}, **METRICS}],
    {"gen_ai.request.max_tokens": 50, "gen_ai.request.top_p": 0.9, "gen_ai.request.top_k": 5, "gen_ai.request.seed": 7,
     "gen_ai.response.id": "gen-1", **COUNTED},
    {
        names.SYSTEM_INSTRUCTIONS: [text("Be brief.")],
        names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Who?")]},
                               {"role": "assistant", "parts": [text("I.")]}, *INPUT],
        names.OUTPUT_MESSAGES: said(text("Hello.")),
        names.TOOL_DEFINITIONS: [{"type": "function", "name": "weather", "description": "The weather."}],
    },
)  # fmt: skip
CLAUDE_2 = exchange(
    "anthropic.claude-v2:1",
    {"prompt": "Say hello.", "max_tokens_to_sample": 50, "stop_sequences": ["Human:"]},
    {"completion": "Hello.", "stop_reason": "stop_sequence", "stop": "Human:"},
    [{"completion": "Hel", "stop_reason": None}, {"completion": "lo.", "stop_reason": "stop_sequence", **METRICS}],
    {**completed(max_tokens=50, stop_sequences=["Human:"]), **COUNTED},
)
EMBEDDED = {names.INPUT_MESSAGES: INPUT}


def embedded(model: str, body: Any, reply: Any, **recorded: Any) -> Exchange:
    plain = exchange(
        model, body, reply, [], {"gen_ai.operation.name": "embeddings", **recorded}, EMBEDDED, ways=("reply",)
    )
    left = ("gen_ai.response.finish_reasons", "gen_ai.usage.output_tokens", "gen_ai.request.encoding_formats")
    known = {key: value for key, value in plain.recorded.items() if key not in left or key in recorded}
    return Exchange(plain.request, reply, [], {**known, "gen_ai.embeddings.dimension.count": 3}, EMBEDDED, ("reply",))


TITAN_EMBEDDINGS = embedded(
    "amazon.titan-embed-text-v2:0",
    {"inputText": "Say hello.", "dimensions": 3, "embeddingTypes": ["float"]},
    {"embedding": [0.1, 0.2, 0.3], "embeddingsByType": {"float": [0.1, 0.2, 0.3]}, "inputTextTokenCount": 11},
    **{"gen_ai.request.encoding_formats": ["float"]},
)
COHERE_EMBEDDINGS = embedded(
    "cohere.embed-multilingual-v3",
    {"texts": ["Say hello."], "input_type": "search_query", "embedding_types": ["float"]},
    {"id": "e-1", "embeddings": {"float": [[0.1, 0.2, 0.3]]}, "texts": ["Say hello."]},
    **{"gen_ai.request.encoding_formats": ["float"], "gen_ai.response.id": "e-1", "gen_ai.usage.input_tokens": 12},
)
BODIES = {"reply": PLAIN, "nova": NOVA, "titan": TITAN, "llama": LLAMA, "mistral": MISTRAL,
          "mistral chat": MISTRAL_CHAT, "openai": GPT, "command": COMMAND, "command r": COMMAND_R,
          "claude 2": CLAUDE_2, "titan embeddings": TITAN_EMBEDDINGS,
          "cohere embeddings": COHERE_EMBEDDINGS}  # fmt: skip
