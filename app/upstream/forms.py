"""A file as a form, built again for each attempt: a body that was sent cannot be sent twice.

Source: docs/gigachat-api.md, "Files": multipart with `file` and `purpose`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

import aiohttp


@dataclass(frozen=True, slots=True)
class Form:
    """One file and the fields beside it. `name` goes out as it is, in UTF-8, as GigaChat's own SDK sends it."""

    name: str
    mime: str
    data: bytes = field(repr=False)
    fields: tuple[tuple[str, str], ...] = ()

    def build(self) -> aiohttp.FormData:
        """The body of one attempt. The bytes are not copied."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in self.fields:
            form.add_field(name, value)
        form.add_field("file", BytesIO(self.data), filename=self.name, content_type=self.mime)
        return form
