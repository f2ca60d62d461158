"""The values of the metrics' labels, and how many values the open ones may have."""

from __future__ import annotations

from app.errors import STATUSES

ENDPOINTS = ("chat", "embeddings", "models", "other")
STREAMED = ("chat",)  # the endpoints that can answer with a stream
STREAM = ("true", "false")
OPERATIONS = ("oauth", "chat", "embeddings", "models", "files", "tokens", "balance", "other")
TOKEN_SOURCES = ("oauth", "password", "mtls", "ready", "none")
RENEWABLE_SOURCES = frozenset({"oauth", "password", "mtls"})  # the gateway can get new tokens from these
ABORT_SIDES = ("client", "upstream", "idle_timeout", "shutdown")
TOKEN_TYPES = ("prompt", "completion", "cached")
USAGE_METHODS = ("upstream", "counted", "estimated", "none")  # how the tokens of an answer that was cut off are known
OBJECTIVES = ("availability", "ttft", "token")
RESULTS = ("good", "bad", "excluded")
CREDENTIAL_STATES = ("active", "dead")
# Why an attempt is made again: translation's table of tries, docs/architecture.md.
RETRY_REASONS = ("stale", "unauthorized", "forbidden", "rate_limit", "server_error", "connect", "timeout", "cut")
RETRY_OUTCOMES = ("success", "failure")
QUEUE_OUTCOMES = ("admitted", "timeout", "abandoned", "rejected")  # how a wait for a slot ended
TENANTS = ("default", "other")  # until tenants can be configured
KEY_RESULTS = ("hit", "joined", "conflict", "evicted")  # what became of an idempotency key
LIMIT_KINDS = ("queue_full",)  # why a tenant's request was refused
PORTS = ("main", "metrics")
GENERATIONS = ("0", "1", "2")  # of the garbage collector
CLOSE_CAUSES = ("idle", "head", "evicted", "refused", "unread")  # why the gateway ended a connection
# The statuses that clients get, and those of GigaChat that operators watch.
STATUS_CODES = tuple(str(status) for status in (*STATUSES, 402, 403, 422, 423))

MAX_MODELS = 24
MAX_PACKAGES = 24
MAX_CREDENTIALS = 16
MAX_PARAMS = 64  # the rules of the translation tables, about fifty
