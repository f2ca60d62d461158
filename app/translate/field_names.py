"""How a client's protocol names the parts of its request: for the `param` of errors, and for notes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldNames:
    """One protocol's names, which its reader gives to each request.

    The defaults are the dialogue's own names, for requests that no client made.
    """

    model: str = "model"
    turns: str = "turns"
    texts: str = "texts"  # of an embeddings request
    choice: str = "choice"
    format: str = "format"
    schema: str = "format.schema"
    temperature: str = "temperature"
    max_tokens: str = "max_tokens"
