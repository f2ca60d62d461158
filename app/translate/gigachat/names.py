"""Names of functions: which ones GigaChat takes, and how they are mapped from the client's and back.

Source: docs/gigachat-api.md, "Functions": a Latin letter comes first; `_`, `-`, `.` and digits behind it pass in
practice; GigaChat has functions of its own, which would run in place of a client's. A limit of the length is not
documented: OpenAI's is taken.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from app.translate.dialogue import Call, Request

MAX_LENGTH = 64
# GigaChat's own functions, by its pages on built-in functions and the SDK's types.
BUILT_IN = frozenset(
    {
        *("text2image", "text2model3d", "text2video", "image_generate", "model_3d_generate"),
        *("web_search", "url_content_extraction", "get_file_content", "code_interpreter", "get_datetime", "memory"),
    }
)
_is_legal = re.compile(rf"(?!(?:{'|'.join(BUILT_IN)})\Z)[A-Za-z][A-Za-z0-9_.-]{{0,{MAX_LENGTH - 1}}}").fullmatch
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_SUFFIX_LENGTH = 9
_LETTERS = "аa бb вv гg дd еe ёe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щsch ъ ыy ь эe юyu яya"
_LATIN = str.maketrans({letters[0]: letters[1:] for letters in _LETTERS.split()})


class FunctionNames:
    """Maps the names of one request's functions, those of its history too: each gets a legal name of its own.

    A legal name is its own, whatever else the request has. The map is made when it is needed for another one.
    """

    __slots__ = ("_legal", "_own", "_request")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._legal: dict[str, str] | None = None
        self._own: dict[str, str] = {}

    def legal(self, name: str) -> str:
        """GigaChat's name for a client's, which is one of the request's."""
        if _is_legal(name):
            return name
        return self._make_map().get(name) or _make_legal(name, self._own)

    def own(self, name: str) -> str:
        """The client's name for GigaChat's; one that is no name of the request's stays."""
        self._make_map()
        return self._own.get(name, name)

    def offered(self, name: str) -> bool:
        """Whether a function of this name is among the tools, and not of the history alone."""
        return any(tool.name == name for tool in self._request.tools)

    def unused(self, name: str) -> str:
        """A legal name like this one that no function of the request has."""
        self._make_map()
        return _make_legal(name, self._own)

    def _make_map(self) -> dict[str, str]:
        if self._legal is None:
            names = _collect_names(self._request)
            self._legal = {name: name for name in names if _is_legal(name)}
            self._own = dict(self._legal)
            for name in names:
                if name not in self._legal:
                    legal = self._legal[name] = _make_legal(name, self._own)
                    self._own[legal] = name
        return self._legal


def _collect_names(request: Request) -> dict[str, None]:
    names = dict.fromkeys([tool.name for tool in request.tools])
    for turn in request.turns:
        for part in turn.parts:
            if type(part) is Call:
                names[part.name] = None
    return names


def _make_legal(name: str, taken: dict[str, str]) -> str:
    """The name itself where it is legal and not taken; else its Latin form with a hash that makes it unique."""
    if _is_legal(name) and name not in taken:
        return name
    stem = _make_stem(name)
    salt = name.encode("utf-8", "surrogatepass")
    while True:
        legal = f"{stem}_{hashlib.blake2b(salt, digest_size=4).hexdigest()}"
        if legal not in taken:
            return legal
        salt += b"\0"


def _make_stem(name: str) -> str:
    latin = name
    if not name.isascii():
        latin = unicodedata.normalize("NFKC", name[: 4 * MAX_LENGTH]).lower().translate(_LATIN)
    stem = _ILLEGAL.sub("_", latin).strip("_.-").lstrip("0123456789_.-")
    return stem[: MAX_LENGTH - _SUFFIX_LENGTH].rstrip("_.-") or "function"
