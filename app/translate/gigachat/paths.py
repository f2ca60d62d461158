"""Where each question to GigaChat goes, below its base URL. A chat's path is its contract's.

Source: docs/gigachat-api.md, "Hosts, base URLs, TLS" and "Endpoints".
"""

from __future__ import annotations

BALANCE = "v1/balance"
COUNT = "v1/tokens/count"
EMBEDDINGS = "v1/embeddings"
FILES = "v1/files"
LOGIN = "v1/token"
MODELS = "v1/models"


def file_path(file_id: str) -> str:
    """Where a file is described."""
    return f"{FILES}/{file_id}"


def file_deletion_path(file_id: str) -> str:
    """Where a file is deleted."""
    return f"{FILES}/{file_id}/delete"
