"""Names of functions: what GigaChat takes, and the way back to the client's own.

Source: GigaChat's REST API, "Functions": Latin letters, first of all; `_`, `-`, `.` and later digits pass in practice;
`text2image` and `text2model3d` are GigaChat's own. A bound on the length is not documented: OpenAI's is taken.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from app.translate.dialogue import Call, Request

MAX_LENGTH = 64
# GigaChat's own functions, by its pages on built-in functions and the SDK's types.
BUILT_IN = frozenset({"text2image", "text2model3d", "text2video", "get_file_content"})
_LEGAL = re.compile(rf"[A-Za-z][A-Za-z0-9_.-]{{0,{MAX_LENGTH - 1}}}")
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
_MARK = 9  # characters of the suffix
_LETTERS = "аa бb вv гg дd еe ёe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щsch ъ ыy ь эe юyu яya"
_LATIN = str.maketrans({letters[0]: letters[1:] for letters in _LETTERS.split()})


class Names:
    """The names of one request's functions, those of its history too, each with a legal one of its own.

    They are mapped when a name is asked for first: a request without functions costs nothing.
    """

    __slots__ = ("_legal", "_own", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._legal: dict[str, str] | None = None
        self._own: dict[str, str] = {}

    def legal(self, name: str) -> str:
        """GigaChat's name for a client's."""
        return self._map().get(name) or _free(name, self._own)

    def own(self, name: str) -> str:
        """The client's name for GigaChat's; one that was not given stays."""
        self._map()
        return self._own.get(name, name)

    def offered(self, name: str) -> bool:
        """Whether a function of this name is among the tools: else it is of the history alone."""
        return any(tool.name == name for tool in self._request.tools)

    def unused(self, name: str) -> str:
        """A legal name like this one that no function of the request has."""
        self._map()
        return _free(name, self._own)

    def _map(self) -> dict[str, str]:
        if self._legal is None:
            self._legal = {name: name for name in _given(self._request) if _is_legal(name)}
            self._own = dict(self._legal)
            for name in _given(self._request):
                if name not in self._legal:
                    legal = self._legal[name] = _free(name, self._own)
                    self._own[legal] = name
        return self._legal


def _given(request: Request) -> dict[str, None]:
    names = dict.fromkeys(tool.name for tool in request.tools)
    for turn in request.turns:
        names.update((part.name, None) for part in turn.parts if isinstance(part, Call))
    return names


def _is_legal(name: str) -> bool:
    return name not in BUILT_IN and _LEGAL.fullmatch(name) is not None


def _free(name: str, taken: dict[str, str]) -> str:
    """The name itself where it can be had; else what is Latin in it, and a mark that no other name has."""
    if _is_legal(name) and name not in taken:
        return name
    stem = _stem(name)
    salt = name.encode("utf-8", "surrogatepass")
    while True:
        legal = f"{stem}_{hashlib.blake2b(salt, digest_size=4).hexdigest()}"
        if legal not in taken:
            return legal
        salt += b"\0"


def _stem(name: str) -> str:
    latin = unicodedata.normalize("NFKC", name[: 4 * MAX_LENGTH]).lower().translate(_LATIN)
    if name.isascii():
        latin = name
    stem = _OTHER.sub("_", latin).strip("_.-").lstrip("0123456789_.-")
    return stem[: MAX_LENGTH - _MARK].rstrip("_.-") or "function"
