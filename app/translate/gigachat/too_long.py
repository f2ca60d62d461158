"""Which refusals of GigaChat's mean that a request is too long, by their words, and the numbers that they tell.

Source: docs/gigachat-api.md, "Errors": `CONTEXT_TOO_LONG: context too long 301216, maximum allowed context is 261120`.
The other wordings are not documented. A client shortens its history on such an error, so that a parameter or a name
that is too long must not pass for one.
"""

from __future__ import annotations

import re

_REQUEST = (
    r"(?:prompt|input|request|sequence|message|conversation|dialog|history|query|text|payload|content\b(?!-)|body"
    r"|запрос|сообщени|диалог|истори|текст|промпт|ввод|вход)"
)
_OVER = (
    r"(?:too (?:long|large|big)|exceed|over the|overflow|longer than"
    r"|превы|переполн|длиннее|слишком (?:длин|больш|велик))"
)
_MOST = r"(?:limit|maxim|at most|no more than|less than|up to|allowed|лимит|максим|не более|предел|допустим)"
_TOKENS = r"(?:\btokens?\b|токен)"
_LENGTH = r"(?:\blength|\bsize|длин[аныуеой]|размер)"
_TOO_LONG = re.compile(
    rf"context_(?:too_long|length)|(?:context|контекст).{{0,60}}(?:{_OVER}|{_MOST}|{_LENGTH}|window)"
    rf"|(?:{_OVER}|{_MOST}|{_LENGTH}|longer|larger|больше|длиннее).{{0,60}}(?:context|контекст)"
    rf"|{_TOKENS}.{{0,40}}(?:{_OVER}|{_MOST}|too many)|(?:{_OVER}|{_MOST}).{{0,40}}{_TOKENS}"
    rf"|{_TOKENS}.{{0,20}}\d\W{{0,3}}>\W{{0,3}}\d"
    rf"|(?:too many|слишком много) (?:\w+ ){{0,2}}(?:tokens|токенов)"
    rf"|{_REQUEST}.{{0,40}}{_OVER}|{_OVER}\w*(?: \w+){{0,2}} {_REQUEST}"
    rf"|{_REQUEST}.{{0,20}}{_LENGTH}.{{0,30}}{_MOST}|{_MOST}\w* {_LENGTH}.{{0,20}}{_REQUEST}"
    r"|request entity too large",
    re.IGNORECASE,
)
# Other things that may be too long.
_OTHERS = re.compile(
    r"\b(?:names?|functions?|tools?|parameters?|descriptions?|schemas?|enums?|ids?|urls?|files?|images?|audio|headers?"
    r"|stop|role|field|attachments?)\b|_id\b|функци|\bим(?:я|ени|ён)|названи|параметр|описани|схем|файл|изображени",
    re.IGNORECASE,
)
_WHOLE = re.compile(rf"context|контекст|{_TOKENS}", re.IGNORECASE)
_ANSWER_LIMIT = re.compile(r"\bmax_\w*tokens\b", re.IGNORECASE)
_ASKED = re.compile(r"prompt|input|messages|requested|context|запрос|сообщени|контекст", re.IGNORECASE)
_LEADING_LIMIT = re.compile(
    r"\W*(?:invalid params?\W+)?(?:parameter |field |параметр )?\W*max_\w*tokens\b", re.IGNORECASE
)

_NUMBER = re.compile(r"(?<![\w.-])\d{1,3}(?:[ ,.'_]\d{3})+(?![\d])|(?<![\w.-])\d{3,9}(?!\d)")
_LIMIT_NUMBER = re.compile(rf"{_MOST}\D{{0,60}}?({_NUMBER.pattern})", re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", " ,.'_")


def speaks_of_length(words: str) -> bool:
    """Whether a refusal in these words means that the conversation, or a text, is too long for the model."""
    if not _TOO_LONG.search(words):
        return False
    if _LEADING_LIMIT.match(words) or (_ANSWER_LIMIT.search(words) and not _ASKED.search(words)):
        return False
    return not _OTHERS.search(words) or _WHOLE.search(words) is not None


def read_lengths(words: str, status: int) -> tuple[int | None, int | None]:
    """The tokens of the request and their limit, as far as the words tell them. `status` may stand among the words."""
    numbers = [number for number in map(_read_number, _NUMBER.findall(words)) if number != status]
    if not numbers:
        return None, None
    named = _LIMIT_NUMBER.search(words)
    limit = _read_number(named[1]) if named else min(numbers) if len(numbers) > 1 else None
    tokens = max(numbers)
    if limit == tokens and len(set(numbers)) > 1:  # "limit exceeded: 300000 > 261120"
        limit = max(number for number in numbers if number < tokens)
    if limit is None or limit not in numbers:
        return (tokens, None) if _WHOLE.search(words) else (None, None)
    return (tokens if tokens > limit else None), limit


def _read_number(text: str) -> int:
    return int(text.translate(_SEPARATORS))
