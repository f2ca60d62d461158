"""The corpus: groups of cases, each with the settings of its gateway."""

from __future__ import annotations

from tests.wire.cases import Group

from . import (
    answers,
    conversations,
    embeddings,
    failures,
    files,
    formats,
    refusals,
    routes,
    schemas,
    settings,
    streams,
    tools,
)

GROUPS: tuple[Group, ...] = (
    *conversations.GROUPS,
    *tools.GROUPS,
    *schemas.GROUPS,
    *formats.GROUPS,
    *answers.GROUPS,
    *files.GROUPS,
    *embeddings.GROUPS,
    *routes.GROUPS,
    *refusals.GROUPS,
    *failures.GROUPS,
    *streams.GROUPS,
    *settings.GROUPS,
)
