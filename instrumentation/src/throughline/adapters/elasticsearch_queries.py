"""What an Elasticsearch search asks for: the clauses that find by meaning or by words. Reads a request, sends none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from throughline.adapters.retrieved import several

_AROUND = {  # clause that holds others → where those that add to the score are; what only filters is not among them
    "bool": ("must", "should"),
    "boosting": ("positive",),
    "dis_max": ("queries",),
    "function_score": ("query",),
    "has_child": ("query",),
    "has_parent": ("query",),
    "nested": ("query",),
    "pinned": ("organic",),
    "rule": ("organic",),
    "rule_query": ("organic",),
    "script_score": ("query",),
}
_WORDS_IN_FIELD = ("match", "match_bool_prefix", "match_phrase", "match_phrase_prefix")
_WORDS = ("combined_fields", "multi_match", "query_string", "simple_query_string")
_TOKENS = ("text_expansion", "weighted_tokens")
_VECTOR_FUNCTIONS = ("cosineSimilarity", "dotProduct", "hamming", "l1norm", "l2norm", "maxSimDotProduct")


class Clause(NamedTuple):
    """A clause that ranks documents, and the text or the model that it names."""

    by_meaning: bool
    text: str | None = None
    model: str | None = None


def asked(search: Any) -> Iterator[Clause]:
    """The ranking clauses of one search's body."""
    yield from map(_knn, several(_at(search, "knn")))
    yield from _retriever(_at(search, "retriever"))
    yield from _query(_at(search, "query"))
    for ranked in several(_at(search, "sub_searches")):
        yield from _query(_at(ranked, "query"))


def _query(query: Any) -> Iterator[Clause]:
    if not isinstance(query, Mapping):
        return
    for kind, inner in query.items():
        for place in _AROUND.get(kind, ()):
            for below in several(_at(inner, place)):
                yield from _query(below)
        yield from _ranking(kind, inner)


def _ranking(kind: str, inner: Any) -> Iterator[Clause]:
    """The clause itself, where it ranks by meaning or by words."""
    if kind == "knn":
        yield _knn(inner)
    elif kind in ("semantic", "sparse_vector"):
        yield Clause(True, _text(_at(inner, "query")))
    elif kind in _TOKENS:
        yield from (
            Clause(True, _text(_at(field, "model_text")), _text(_at(field, "model_id"))) for field in _values(inner)
        )
    elif kind == "script_score" and _compares_vectors(_at(inner, "script")):
        yield Clause(True)
    elif kind in _WORDS_IN_FIELD:
        yield from _words(field if isinstance(field, str) else _at(field, "query") for field in _values(inner))
    elif kind in _WORDS:
        yield from _words([_at(inner, "query")])
    elif kind == "more_like_this":
        yield from _words(several(_at(inner, "like")))


def _words(texts: Any) -> Iterator[Clause]:
    """A number is looked up, not searched for; and a lone asterisk is everything there is."""
    yield from (Clause(False, text) for text in texts if isinstance(text, str) and text not in ("", "*", "*:*"))


def _retriever(retriever: Any) -> Iterator[Clause]:
    """One retriever, which may combine others; a standard one is a query like any other."""
    for kind, inner in retriever.items() if isinstance(retriever, Mapping) else ():
        if kind == "standard":
            yield from _query(_at(inner, "query"))
            continue
        yield _knn(inner) if kind == "knn" else Clause(True, _text(_at(inner, "inference_text") or _at(inner, "query")))
        for below in [*several(_at(inner, "retriever")), *several(_at(inner, "retrievers"))]:
            yield from _retriever(_at(below, "retriever") or below)  # a linear one gives each a weight beside it


def _knn(knn: Any) -> Clause:
    """A vector, or the text that the server is to make one of."""
    builder = _at(knn, "query_vector_builder", "text_embedding")
    return Clause(True, _text(_at(builder, "model_text")), _text(_at(builder, "model_id")))


def _compares_vectors(script: Any) -> bool:
    """Whether a script, which may be written as its source alone, scores by a vector."""
    source = str(_at(script, "source") if isinstance(script, Mapping) else script)
    return any(name in source for name in _VECTOR_FUNCTIONS)


def _at(source: Any, *path: str) -> Any:
    """What stands there; None where what is around it is not of the shape that it should be."""
    for name in path:
        source = source.get(name) if isinstance(source, Mapping) else None
    return source


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _values(inner: Any) -> list[Any]:
    return list(inner.values()) if isinstance(inner, Mapping) else []
