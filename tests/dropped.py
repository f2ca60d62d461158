"""A parameter that the gateway takes, leaves out and tells of: for every test that needs one, whichever it is.

The day when this one is carried, name another row of the table here: tests of other matters name none.
"""

from __future__ import annotations

from typing import Any

from app.translate.openai.parameters import PARAMETERS

# The value is none of the row's neutral ones, which are not told.
DROPPED: dict[str, Any] = {"logit_bias": {"50256": -100}}
(DROPPED_NAME,) = DROPPED

assert PARAMETERS[DROPPED_NAME].fate == "dropped", f"{DROPPED_NAME} is carried now: name another parameter here"
