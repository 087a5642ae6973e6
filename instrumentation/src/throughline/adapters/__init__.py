"""The supported client libraries, and the file that covers each, which is imported only when its library is."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from throughline.adapter import Adapter


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of a client library before its adapter is loaded."""

    name: str  # as in THROUGHLINE_DISABLED_CLIENTS
    distribution: str  # as package registries name it
    module: str  # whose import makes the patches possible; or several, " | " between them, any of which does
    adapter: str  # `module:Class` in this folder
    oldest: str  # the oldest version that the tests run

    @property
    def modules(self) -> list[str]:
        """Those whose import it waits for."""
        return self.module.split(" | ")

    def load(self) -> Adapter:
        """Its adapter."""
        module, _, name = self.adapter.partition(":")
        adapter: Adapter = getattr(importlib.import_module(f"{__name__}.{module}"), name)()
        return adapter


_MISTRAL = " | ".join(
    f"{package}.sdk"
    for package in ("mistralai.client", "mistralai.azure.client", "mistralai.gcp.client",
                    "mistralai", "mistralai_azure", "mistralai_gcp")
)  # fmt: skip # of the newer generations, only the places are packages

_HUGGING_FACE = "huggingface_hub.inference._client | huggingface_hub.inference._generated._async_client"

_LLAMA_INDEX = "llama_index.core | workflows"

CLIENTS: tuple[Client, ...] = (
    Client("ai21", "ai21", "ai21", "ai21:AI21", "4.0.0"),
    Client("aiobedrock", "aiobotocore", "aiobotocore.client", "bedrock:AioBedrock", "2.23.0"),
    Client("anthropic", "anthropic", "anthropic", "anthropic:Anthropic", "0.43.0"),
    Client("bedrock", "botocore", "botocore.client", "bedrock:Bedrock", "1.38.0"),
    Client("chromadb", "chromadb", "chromadb", "chroma:Chroma", "1.0.4"),
    Client("claude_agent", "claude-agent-sdk", "claude_agent_sdk", "claude_agent:ClaudeAgent", "0.1.60"),
    Client("cohere", "cohere", "cohere", "cohere:Cohere", "5.17.0"),
    Client("elasticsearch", "elasticsearch", "elasticsearch", "elasticsearch:Elasticsearch", "8.14.0"),
    Client("google_genai", "google-genai", "google.genai", "google_genai:GoogleGenAI", "1.30.0"),
    Client("groq", "groq", "groq", "groq:Groq", "0.31.0"),
    Client("huggingface_hub", "huggingface_hub", _HUGGING_FACE, "huggingface:HuggingFace", "1.0.0"),
    Client("langchain", "langchain-core", "langchain_core", "langchain:LangChain", "0.3.75"),
    Client("langgraph", "langgraph", "langgraph.pregel", "langgraph:LangGraph", "0.6.0"),
    Client("litellm", "litellm", "litellm", "litellm:LiteLLM", "1.91.0"),
    Client("llama_index", "llama-index-core", _LLAMA_INDEX, "llama_index:LlamaIndex", "0.14.0"),
    Client("mcp", "mcp", "mcp", "mcp:MCP", "1.9.4"),
    Client("mistralai", "mistralai", _MISTRAL, "mistral:Mistral", "1.11.1"),
    Client("ollama", "ollama", "ollama", "ollama:Ollama", "0.4.0"),
    Client("openai", "openai", "openai", "openai:OpenAI", "1.40.0"),
    Client("openai_agents", "openai-agents", "agents", "openai_agents:OpenAIAgents", "0.12.0"),
    Client("pgvector", "pgvector", "pgvector", "pgvector:Pgvector", "0.4.0"),
    Client("pinecone", "pinecone", "pinecone", "pinecone:Pinecone", "9.1.0"),
    Client("pydantic_ai", "pydantic-ai-slim", "pydantic_ai", "pydantic_ai:PydanticAI", "2.20.0"),
    Client("pymilvus", "pymilvus", "pymilvus", "pymilvus:Milvus", "2.6.0"),
    Client("qdrant", "qdrant-client", "qdrant_client", "qdrant:Qdrant", "1.14.2"),
    Client("weaviate", "weaviate-client", "weaviate", "weaviate:Weaviate", "4.14.0"),
)
