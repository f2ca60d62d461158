"""What a client is told whose path is not served: what it asked for, and what to do instead.

Sources: the API references of OpenAI, Anthropic, Google, Ollama, Azure and LiteLLM; the paths of gpt2giga 0.3.0; the
settings by which clients choose an API: `openai.chat()` of the AI SDK, "Use Responses API" of n8n, `use_responses_api`
of LangChain.
"""

from __future__ import annotations

import re

from app.server.routes import SERVED

_LONGEST = 100  # characters of a path that are repeated
_UNCLEAN = re.compile(r"[^A-Za-z0-9_./:@~-]")
_VERSIONS = re.compile(r"(?:(?:api|openai)/)?(?:v[12]/)*")
_CHAT = "POST /v1/chat/completions"

_RESPONSES = (
    f"The Responses API is not served yet. Ask for chat completions ({_CHAT}): openai.chat('model') in the AI SDK, "
    "'Use Responses API' off in n8n, use_responses_api=False in LangChain, OpenAIChatCompletionsModel in openai-agents."
)
_MESSAGES = (
    f"Anthropic's API is not served yet. Use a client of OpenAI's chat completions ({_CHAT}); its base URL ends in /v1."
)
_GEMINI = f"Google's API is not served. Use a client of OpenAI's chat completions ({_CHAT}); its base URL ends in /v1."
_SPEECH = (
    f"GigaChat hears: send the sound to {_CHAT} as a part of type 'input_audio', with words that say what to do with "
    "it ('Transcribe word for word')."
)
_FILES = (
    f"Files are sent inside a message of {_CHAT}: 'image_url', 'input_audio' or 'file' with file_data, as a data URL. "
    "They are uploaded to GigaChat, and deleted there, by the gateway."
)
_OLLAMA = "Ollama's API is not served. Choose 'OpenAI compatible' in the client, with a base URL that ends in /v1."
_AZURE = "Azure's paths are not served. Choose OpenAI, not Azure, in the client, with a base URL that ends in /v1."
_NATIVE = "GigaChat's own API is not passed on."
_V2 = "GigaChat's contract v2, which '/v2' chooses in gpt2giga, is not served yet: let the base URL end in /v1."
_PROBES = "For probes there are /livez (the process runs) and /readyz (requests are served); for operators /health."
_LOGS = "What requests hold is not kept. The log goes to the standard error, figures are at /metrics."
_NOT_HERE = "GigaChat has nothing like it, and neither has this gateway."
_ADMIN = "Keys, budgets and their pages are not served. For operators there are /health and /metrics."

_OLLAMAS = re.compile(r"api/(?:chat|generate|tags|show|ps|pull|version|embed|embeddings)$")
# The beginning of a path without its version -> what to do.
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (r"responses\b|conversations\b", _RESPONSES),
        (r"messages\b|complete$", _MESSAGES),
        (r"v1beta\b|v1alpha\b|models/[^/]+:|interactions\b", _GEMINI),
        (
            r"completions\b|engines/",
            f"Bare prompts are not served. Send them to {_CHAT} as a user's message.",
        ),
        (r"chat\b", f"Chat completions are at {_CHAT}: the base URL ends in /v1, and the client adds the rest."),
        (r"audio/(?:transcriptions|translations)\b", _SPEECH),
        (r"audio/speech\b|audio\b", f"Speech is not made. {_NOT_HERE}"),
        (r"(?:files|uploads|containers|vector_stores)\b", _FILES),
        (
            r"images\b|videos\b",
            f"Pictures are not made here. To show one to a model, send it to {_CHAT} as 'image_url'.",
        ),
        (r"moderations\b", "There is no moderation of its own: GigaChat filters, and says so by 'content_filter'."),
        (r"(?:assistants|threads|runs)\b", f"Assistants are not served. Keep the conversation and send it to {_CHAT}."),
        (r"batches\b", f"Batches are not served. Send each request to {_CHAT}."),
        (r"(?:fine_tuning|evals|realtime)\b", _NOT_HERE),
        (r"(?:rerank|score)\b", "Nothing is ranked here. POST /v1/embeddings gives vectors to compare."),
        (r"deployments/", _AZURE),
        (r"(?:tokens/count|balance|token$|filter/|gigachat/)", _NATIVE),
        (r"(?:ping|ready|status|healthz|health/.*|liveness|readiness)$", _PROBES),
        (r"(?:_?admin/)?logs\b", _LOGS),
        (r"_?debug/", "`python -m app translate` shows what would be sent to GigaChat."),
        (r"(?:key|user|team|customer|organization|project|budget|spend|global|ui|sso|config|admin)\b", _ADMIN),
        (r"embeddings?\b", "Embeddings are at POST /v1/embeddings."),
        (r"bridge/|models?\b", "The models are at GET /v1/models."),
        (r"(?:docs|redoc|openapi\.json)$", "There is no page about the API: it is OpenAI's."),
    )
)


def describe(method: str, path: str) -> str:
    """The message for a path that is not served. It may be anything: what is repeated of it is clean and short."""
    shown = _UNCLEAN.sub("?", path[:_LONGEST]) + ("..." if len(path) > _LONGEST else "")
    parts = [f"{method} {shown} is not served here."]
    plain = re.sub(r"/{2,}", "/", path[: 10 * _LONGEST]).strip("/").lower()
    versions = _VERSIONS.match(plain)
    rest = plain[versions.end() :] if versions else plain
    if versions and "v2/" in versions[0]:
        parts.append(_V2)
    if "v1/v1/" in f"{plain}/":
        parts.append("'/v1' stands twice in it: the base URL ends in /v1 already, or the client adds it.")
    if _OLLAMAS.match(plain):
        parts.append(_OLLAMA)
    else:
        parts += [advice for pattern, advice in _ADVICE if pattern.match(rest)][:1]
    return " ".join([*parts, f"This gateway serves {SERVED}."])
