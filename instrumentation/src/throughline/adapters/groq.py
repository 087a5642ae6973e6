"""Groq's client, whose endpoints are shaped as OpenAI's: chat, embeddings, sound. Not its files and batches."""

from __future__ import annotations

from typing import Any

from throughline.adapters import openai
from throughline.adapters.openai_chat import Compatible
from throughline.adapters.openai_media import Speech, Transcriptions
from throughline.adapters.stainless import StainlessAdapter


class Chat(Compatible):
    """`/chat/completions`."""

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

    def provider(self, client: Any, host: str) -> str:  # noqa: ARG002 - whoever answers, it is Groq's format
        return "groq"
