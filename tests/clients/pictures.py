"""What frameworks ask for as a type: nesting, an enum of numbers, a null, a list; and the words that bring it."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel

TWO_CALLS = 'sandbox:call weather {"city": "Омск"}; call clock {"zone": 3}'


class Point(BaseModel):
    """Used in a list."""

    x: float


class Picture(BaseModel):
    """Картина."""

    title: str
    level: Literal[1, 2]
    note: str | None
    points: list[Point]


SAID: dict[str, Any] = {"title": "Дом", "level": 2, "note": None, "points": [{"x": 1.5}, {"x": -2.0}]}
PICTURE = Picture.model_validate(SAID)
JSON = json.dumps(SAID, ensure_ascii=False)
