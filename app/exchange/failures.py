"""What can go wrong between the gateway and GigaChat's answer, as typed failures.

    UpstreamFailure, NoToken    the attempt brought no answer (app/upstream)
    UnreadableError             the answer is none (app/translate/gigachat/contract.py)
    AnswerFailure
    ├── BrokenAnswer            the answer did not come to its end
    ├── NoJson                  JSON was wanted, and no way of asking brings it
    ├── NoStream                a stream was asked for, and what came is none
    ├── NoFirstEvent            GigaChat took the request and was silent
    └── Page                    a web page answered in GigaChat's place
    FileFailure                 one of the first three, of a file
    UnusableFile                a file that is no good, however often it is tried: the client's error already

They stay what they are inside this package. `outcomes` turns each into the client's error, once, where a request
leaves the package.
"""

from __future__ import annotations

import aiohttp

from app.errors import GatewayError
from app.translate.dialogue import Failed
from app.translate.gigachat.contract import UnreadableError
from app.upstream.failures import UpstreamFailure
from app.upstream.tokens import NoToken

# GigaChat says that its model calls a function, and there is no call.
NO_CALL = Failed("generation", "")


class AnswerFailure(Exception):
    """GigaChat took the request, and there is no whole answer."""


class BrokenAnswer(AnswerFailure):
    """The answer did not come to its end. `begun`: words of it may be with the client."""

    def __init__(self, failed: Failed, *, begun: bool) -> None:
        super().__init__(failed.reason)
        self.reason = failed.reason
        self.begun = begun


class NoJson(AnswerFailure):
    """The answer is not the JSON that was wanted."""


class NoStream(AnswerFailure):
    """The answer is no event stream."""


class NoFirstEvent(AnswerFailure):
    """No event came in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"GigaChat began no answer in {seconds:g} seconds.")


class Page(AnswerFailure):
    """The answer is a page of HTML, with status 200: a proxy answered in GigaChat's place."""


class FileFailure(Exception):
    """A file of the request could not be brought to GigaChat. `path`: where it stands in the client's request."""

    def __init__(self, path: str, cause: UpstreamFailure | NoToken | UnreadableError) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause


class UnusableFile(GatewayError):
    """A file of the request that can't be used. Where only old turns have it, they go on without it."""


def explain_unreadable(response: aiohttp.ClientResponse, fault: AnswerFailure | UnreadableError) -> Failure:
    """The failure of a response with status 200 whose body was no answer."""
    return Page() if response.content_type == "text/html" else fault


Failure = UpstreamFailure | NoToken | UnreadableError | AnswerFailure | FileFailure
FAILURES = (UpstreamFailure, NoToken, UnreadableError, AnswerFailure, FileFailure)
