"""Groq's client, whose endpoints are shaped as OpenAI's: chat, embeddings, sound. Not its files and batches."""

from __future__ import annotations

from typing import Any

from throughline.adapter import Call, Route
from throughline.adapters import openai, openai_chat
from throughline.adapters.openai_media import FILES, Speech, Transcriptions
from throughline.adapters.stainless import StainlessAdapter, options_of


class Chat(openai_chat.Chat):
    """`/chat/completions`."""

    params = {key: path for key, path in openai_chat.Chat.params.items() if not key.startswith("openai.")}
    constants = {}
    results = {key: path for key, path in openai_chat.Chat.results.items() if not key.startswith("openai.")}

    def ask_usage(self, body: Any) -> Any:
        """It is sent with the last chunk anyway."""


class Groq(StainlessAdapter):
    """The `groq` package."""

    base = "groq._base_client"
    endpoints = {
        "/openai/v1/chat/completions": Chat(),
        "/openai/v1/embeddings": openai.Embeddings(),
        "/openai/v1/audio/speech": Speech(),
        "/openai/v1/audio/transcriptions": Transcriptions(),
        "/openai/v1/audio/translations": Transcriptions(),
    }

    def route(self, call: Call) -> Route | None:
        route, options = super().route(call), options_of(call)
        if route is not None and options.files:
            return route._replace(body={**route.body, FILES: options.files})
        return route

    def provider(self, client: Any, host: str) -> str:  # noqa: ARG002 - whoever answers, it is Groq's format
        return "groq"
