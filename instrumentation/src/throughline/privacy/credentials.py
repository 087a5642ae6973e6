"""Finds API keys, JSON Web Tokens and private keys; not passwords, nor a key that has neither a prefix nor a name.

Prefixed keys are found wherever they stand. Keys that are mere random characters (AWS secret keys, Azure, Mistral,
Cohere) are found only behind a name such as `api_key=` or `Bearer`. Every pattern begins at a fixed prefix and has no
condition after its open end, so nothing is ever scanned twice.
"""

import re

from throughline.privacy.findings import API_KEY, JWT, PRIVATE_KEY, Finding, Findings

_API_KEYS = (
    r"sk-(?:proj|svcacct|admin|None|ant-[a-z]{2,10}\d\d|or-v1|lf)-[\w-]{16,}",  # OpenAI, Anthropic and others
    r"sk-[A-Za-z0-9]{20,}",  # OpenAI's older keys, DeepSeek, and many that copy the form
    r"gh[pousr]_[A-Za-z0-9]{36,}",  # GitHub
    r"github_pat_\w{22,}",
    r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[\w.-]{20,}",  # GitLab
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])",  # AWS access key ids
    r"ABSK[A-Za-z0-9+/]{40,}=*",  # Amazon Bedrock
    r"AIza[\w-]{35}",  # Google
    r"GOCSPX-[\w-]{20,}",
    r"ya29\.[\w.-]{20,}",
    r"xox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"xapp-\d-[A-Za-z0-9-]{10,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"api_org_[A-Za-z0-9]{30,}",
    r"gsk_[A-Za-z0-9]{40,}",  # Groq
    r"xai-[A-Za-z0-9]{40,}",  # xAI
    r"pplx-[A-Za-z0-9]{40,}",  # Perplexity
    r"nvapi-[\w-]{40,}",  # NVIDIA
    r"r8_[A-Za-z0-9]{30,}",  # Replicate
    r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}",  # LangSmith
    r"[A-Za-z0-9]{3}[78]Q~[\w.~-]{30,}",  # Azure client secrets
    r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgE[\w-]{50,}",
    r"dop_v1_[a-f0-9]{64}",  # DigitalOcean
    r"dapi[a-f0-9]{32}",  # Databricks
)
# A JWT begins only where no "-" is before it, or "eyJ-eyJ-eyJ…" would be scanned once for each "eyJ".
_JWT = r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{2,}+\.[\w-]*+"
_PREFIXED = re.compile(rf"(?P<jwt>{_JWT})|(?<![A-Za-z0-9])(?P<api_key>{'|'.join(_API_KEYS)})", re.ASCII)
_NAMED = re.compile(
    r"(?:\b(?:bearer|basic)\s{1,4}"
    r"|(?:api|access|account|secret|subscription|auth|client|private|encryption|signing|shared)[_-]?"
    r"(?:access[_-]?)?(?:key|token|secret)[\"']?\s{0,4}[:=]{1,2}\s{0,4}(?:bearer\s{1,4})?[\"']?)"
    r"(?P<api_key>[A-Za-z0-9_\-+/=.~]{16,})",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_NAME = 48
_LONGEST_BEGINNING = 80  # of a run: a name inside it and the shortest value
_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Za-z]")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY[A-Z ]{0,8}-----")
_PEM_END = re.compile(r"-----END [A-Z ]{0,20}PRIVATE KEY[A-Z ]{0,8}-----")


def may_hold_credential(text: str, start: int, end: int) -> bool:
    """False for most of the long words and identifiers that opaque runs are."""
    return _DIGIT.search(text, start, end) is not None or _PREFIXED.search(text, start, end) is not None


def find_credentials(text: str, start: int, end: int) -> Findings:
    """API keys and JSON Web Tokens in one opaque run."""
    position = start
    while found := _PREFIXED.search(text, position, end):
        kind = JWT if found["jwt"] else API_KEY
        yield _finding(found.start(), kind, found[0])
        position = found.end()
    if position == start and _DIGIT.search(text, start, end):
        yield from _find_named(text, start, end)


def _find_named(text: str, start: int, end: int) -> Findings:
    named = _NAMED.search(text, max(0, start - _LONGEST_NAME), min(end, start + _LONGEST_BEGINNING))
    if named is None:
        return
    at = named.start("api_key")  # it has the run's own characters, so it ends where the run ends
    if _DIGIT.search(text, at, end) and _LETTER.search(text, at, end):
        yield _finding(at, API_KEY, text[at:end])


def _finding(start: int, kind: str, value: str) -> Finding:
    value = value.rstrip(".")  # the full stop of a sentence that ends with the key
    return Finding(start, start + len(value), kind, value)


def find_private_keys(text: str) -> Findings:
    """PEM blocks; one that is cut off before its END line is masked to the end of the text.

    Works on the text itself: in the shadow the escaped line ends of a key inside JSON are gone.
    """
    begin = _PEM_BEGIN.search(text)
    while begin:
        last = _PEM_END.search(text, begin.end())
        end = last.end() if last else len(text)
        yield Finding(begin.start(), end, PRIVATE_KEY, "".join(text[begin.start() : end].replace("\\n", "").split()))
        begin = _PEM_BEGIN.search(text, end)
