"""What an account at GigaChat has, as `python -m app check` tells it: models, tokens that are left, an answer.

Sources: docs/gigachat-api.md, "Models", "GET /balance", "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import orjson

from app.redaction import MASK, mask_model
from app.translate.dialogue import Failed, Request, Sampling, Text, Turn
from app.translate.gigachat import balance, contracts, paths
from app.translate.gigachat.contract import UnreadableError
from app.upstream.client import GigaChat, read_body
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.tokens import Token

# Without these models nobody is served; an alias, or a model that sees images, may be for another account.
_NEEDED = frozenset({"GIGACHAT_MODEL", "GPT2GIGA_EMBEDDINGS_MODEL"})
# What helps where GigaChat itself refuses.
STATUSES = {
    402: "Buy tokens in the personal account (developers.sber.ru), or set the key of an account that has some",
    403: "Check in the personal account that the account is active, and its scope and tariff",
    423: "GigaChat has stopped this for technical reasons: write to its support, or use another account",
    429: "Wait a minute and try again; find who else uses the same key",
}
_LATER = "Try again in a minute; if it stays so, write to GigaChat's support"


class Step(NamedTuple):
    """A line of the report."""

    word: Literal["ok", "WARN", "FAIL"]
    text: str


class StepFailed(Exception):
    """A step that did not pass: what it was, and what helps."""

    def __init__(self, step: str, remedy: str) -> None:
        super().__init__(f"{step}: {remedy}")
        self.step = step
        self.remedy = remedy


def check_model(setting: str, name: str, kinds: Mapping[str, str | None]) -> Step:
    """Whether GigaChat has the model of a setting, for the use that the setting is about. Raises StepFailed."""
    uses = {"GPT2GIGA_EMBEDDINGS_MODEL": ("embedder",), "GPT2GIGA_MODEL_ALIASES": ("chat", "embedder")}
    wanted = uses.get(setting, ("chat",))
    if name in kinds and kinds[name] in (*wanted, None):
        return Step("ok", f"{setting}: {name}")
    fault = f"GigaChat has no {_show_model(name)}" if name not in kinds else f"{name} is of the kind '{kinds[name]}'"
    fitting = [one for one, kind in kinds.items() if kind in (*wanted, None)]
    remedy = f"Choose of: {', '.join(fitting or kinds)}"
    if setting in _NEEDED:
        raise StepFailed(f"{setting}: {fault}", remedy)
    return Step("WARN", f"{setting}: {fault}. {remedy}")


async def check_balance(gigachat: GigaChat, token: Token) -> Step:
    """The tokens that are left of each package. An account that pays as it goes is told none: no fault."""
    try:
        packages = balance.read(await gigachat.get(paths.BALANCE, token, {"Accept": "application/json"}))
    except Refused as refusal:
        if refusal.status in (403, 404) and not refusal.page:
            return Step("ok", f"balance: none is told ({refusal.status}), as to accounts that pay as they go")
        return Step("WARN", f"balance: {refusal}. {STATUSES.get(refusal.status, _LATER)}")
    except UpstreamFailure as failure:
        return Step("WARN", f"balance: {failure}. {_LATER}")
    if packages is None:
        return Step("WARN", f"balance: GigaChat's answer is none. {_LATER}")
    told = ", ".join(f"{name} {left:.0f}" for name, left in packages)
    used_up = [name for name, left in packages if left <= 0]
    if used_up:
        return Step("WARN", f"balance: {told}. What {', '.join(used_up)} pays for gets 402. {STATUSES[402]}")
    return Step("ok", f"balance: {told}" if told else "balance: no packages")


async def try_chat(gigachat: GigaChat, token: Token, setting: str, model: str) -> Step:
    """Ask a model for one token: only a chat tells whether chats are answered. Raises StepFailed."""
    turns = [Turn("user", [Text("ok")], "messages[0]")]
    request = Request(model, turns, Sampling(), max_tokens=1)
    payload, _ = contracts.CHAT.write(request, state_echo=False, as_function=False, files=None)
    fault, remedy = "", _LATER
    try:
        body, headers = orjson.dumps(payload), {"Accept": "application/json"}
        data = await read_body(await gigachat.ask(contracts.CHAT.chat_path, body, token, headers))
        answer = contracts.CHAT.answer_reader(request, "", as_function=False).read(data)
        fault = answer.message or answer.reason if isinstance(answer, Failed) else ""
    except Refused as refusal:
        fault, remedy = str(refusal), STATUSES.get(refusal.status, _LATER)
    except UpstreamFailure as failure:
        fault = str(failure)
    except UnreadableError:
        fault = "GigaChat's answer is no chat completion"
    if not fault:
        return Step("ok", f"{setting}: {model} answers")
    raise StepFailed(f"{setting}: a chat with {model} fails: {fault}", remedy)


def _show_model(name: str) -> str:
    """A model's name as it may be printed: not when it looks like a secret."""
    return "such model" if mask_model(name) == MASK else f"model {name!r}"
