"""What an operator does about each kind of failure that counts against availability: one table.

docs/runbook.md has more words for the same.
"""

from __future__ import annotations

_READY = 'docs/runbook.md, "Giving a ready token"'
_FULL = 'docs/runbook.md, "Requests hold all of their memory"'
GIGACHAT_GONE = (
    "Run `python -m app check --chat` beside the gateway: it tries network, certificate, the older host and a chat. "
    "docs/runbook.md, Gpt2gigaProxyUpstreamDown"
)
SECOND_LEVEL = (
    f"Bring OAuth back: `python -m app check` says what it answers. Keep the ready token fresh meanwhile: {_READY}"
)
NOT_HEARD = "Wait some seconds; if it stays so, run `python -m app check` beside the gateway"
VERIFY = "Set GIGACHAT_VERIFY_SSL_CERTS=true; `python -m app certs --fetch` adds the Ministry's certificates"
MEMORY = f"Raise GPT2GIGA_MAX_BODIES_BYTES and the container's memory together: {_FULL}"
CIRCUIT = (
    "Point GIGACHAT_MODEL or GPT2GIGA_MODEL_ALIASES at another model until GigaChat answers for this one again; "
    "`error` of the failed requests' lines in the log has its own words. docs/runbook.md, Gpt2gigaProxyCircuitOpen"
)
LIMIT_LOWERED = (
    "Set GIGACHAT_MAX_CONCURRENCY to what the account has at a time, and find who else uses the same key. "
    "docs/runbook.md, Gpt2gigaProxyRateLimited"
)
QUEUE = (
    "Let clients ask less at once, or send X-Priority: batch with what may wait; raise GIGACHAT_MAX_CONCURRENCY only "
    "if the account has more. docs/runbook.md, Gpt2gigaProxyStreamLimitSaturated"
)
MODEL = "Name in GIGACHAT_MODEL a model that GET /v1/models lists"
_REPORT = "Report it with the traceback that the log has beside the request's id"

# By the name of the kind of error that requests end with.
FAILING: dict[str, str] = {
    "rate_limit_exceeded": LIMIT_LOWERED,
    "insufficient_quota": (
        "Buy tokens in the personal account (developers.sber.ru), set the key of another account in "
        "GIGACHAT_CREDENTIALS, or a model that has some in GPT2GIGA_MODEL_ALIASES. "
        "docs/runbook.md, Gpt2gigaProxyPaymentRequired"
    ),
    "upstream_permission_denied": (
        "Check in the personal account that the account is active and its tariff has this model, and that "
        "GIGACHAT_SCOPE fits the key; or name another model in GPT2GIGA_MODEL_ALIASES. "
        "docs/runbook.md, Gpt2gigaProxyNoUsableCredential"
    ),
    "upstream_stopped": (
        "Point GIGACHAT_MODEL or GPT2GIGA_MODEL_ALIASES at another model, and write to GigaChat's support. "
        "docs/runbook.md, Gpt2gigaProxyUpstreamStop"
    ),
    "upstream_rejected": "Look at `error` of these requests' lines in the log, and report what GigaChat refuses",
    "upstream_error": GIGACHAT_GONE,
    "upstream_unavailable": CIRCUIT,
    "upstream_timeout": (
        "Raise GIGACHAT_TIMEOUT, or let clients send shorter prompts; run `python -m app check` beside the gateway"
    ),
    "deadline_exceeded": (
        "Raise the clients' deadline (X-Request-Deadline-Ms, or their SDK's time-out), or let them send shorter "
        "prompts and a max_tokens: GigaChat needed longer than they wait"
    ),
    "upstream_generation_error": "Name another model in GPT2GIGA_MODEL_ALIASES: this one gives no answers",
    "stream_truncated": (
        "Look for a proxy or firewall that cuts long connections, or take another model. "
        "docs/runbook.md, Gpt2gigaProxyStreamsCutOff"
    ),
    "upstream_credentials_exhausted": (
        f"Run `python -m app check` beside the gateway. Meanwhile a ready token serves: {_READY}"
    ),
    "internal_error": _REPORT,
    "overloaded": MEMORY,
    "queue_full": (
        "Let clients ask less at once, or raise GPT2GIGA_QUEUE_LENGTH if they are patient. "
        "docs/runbook.md, Gpt2gigaProxyQueueRefusals"
    ),
    "queue_timeout": (
        "Let clients ask less at once, or give them longer deadlines (X-Request-Deadline-Ms, GPT2GIGA_QUEUE_SECONDS). "
        "docs/runbook.md, Gpt2gigaProxyQueueRefusals"
    ),
}


def find_remedy(kind: str) -> str:
    """What to do about requests that end with this kind of error."""
    return FAILING.get(kind, _REPORT)
