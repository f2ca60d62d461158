"""The dialogue: the one middle in which client protocols and GigaChat's contracts meet.

A request is a list of turns, a turn is a list of ordered parts, an answer is a list of parts as well; a stream is the
same answer as events. A protocol's module reads into these types or writes from them and knows no other protocol.

Every type here is plain data. `path` is where a thing stood in the client's body, in the words of the client's
protocol: for the `param` of errors and for notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from app.translate.field_names import FieldNames

Role = Literal["system", "user", "assistant", "tool"]
# `uncalled`: the model meant to call, and no call came. The exchange makes a failure of it.
Finish = Literal["stop", "length", "calls", "filtered", "uncalled"]
NoteKind = Literal["equivalent", "adapted", "dropped"]
FileKind = Literal["image", "audio", "document"]


@dataclass(slots=True)
class Text:
    """Words for the other side."""

    text: str


@dataclass(slots=True)
class Thought:
    """Reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Inline:
    """A file's bytes as text: base64, or percent-encoded as data URLs may be."""

    text: str
    base64: bool = True


@dataclass(frozen=True, slots=True)
class Url:
    """A file somewhere else."""

    url: str


@dataclass(frozen=True, slots=True)
class FileId:
    """A file that is at GigaChat already."""

    id: str


@dataclass(frozen=True, slots=True)
class Media:
    """A file in a message. `kind` is what the client says it must be; None: whatever GigaChat takes.

    `path` is unique in a request: what is known of the file later is found by it. `past`: it belongs to an old turn,
    for which a link is the file that it was before. `from_function`: a function gave it.
    """

    kind: FileKind | None
    source: Inline | Url | FileId
    path: str
    name: str | None = None
    past: bool = False
    from_function: bool = False

    @property
    def replaceable(self) -> bool:
        """Whether words stand for it where it can't be had: nobody can choose another one."""
        return self.past or self.from_function


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that GigaChat has, under its id. `kind`: by GigaChat's word; `note`: the rule of what was lost."""

    id: str
    kind: FileKind
    note: str | None = None


@dataclass(slots=True)
class Call:
    """A function that the model wants called. `name` is the client's; `state` is GigaChat's, None where unknown."""

    id: str
    name: str
    arguments: dict[str, Any]
    state: str | None = None


@dataclass(slots=True)
class Result:
    """What a call gave; `call_id` finds the call, `name` helps where a protocol has no ids."""

    call_id: str
    name: str | None
    parts: list[Text | Media]
    is_error: bool = False  # the call failed, and this tells how


Part = Text | Thought | Media | Call | Result


@dataclass(slots=True)
class Tool:
    """A function that the model may call. `parameters` is the client's JSON Schema, untouched; None: it takes none."""

    name: str
    description: str | None
    parameters: dict[str, Any] | None
    path: str
    extra: dict[str, Any] = field(default_factory=dict)  # GigaChat's own: few_shot_examples, return_parameters


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a function must be called: `named` is the one of this `name`, `required` any of the tools."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str | None = None
    insisted: bool = False  # demanded in words as well, as an earlier try did: the prompt's beginning stays the same


AUTO = Choice()


@dataclass(slots=True)
class Format:
    """What the answer's text must look like: an object of the schema, or any JSON object where there is none."""

    schema: dict[str, Any] | None
    strict: bool | None = None
    name: str = "answer"


@dataclass(slots=True)
class Turn:
    """One message."""

    role: Role
    parts: list[Part]
    path: str


@dataclass(slots=True)
class Sampling:
    """How the next token is chosen; None is the model's own default."""

    temperature: float | None = None
    top_p: float | None = None


@dataclass(slots=True)
class Request:
    """What a client asks for, whatever its protocol."""

    model: str
    turns: list[Turn]
    sampling: Sampling
    stream: bool = False
    max_tokens: int | None = None
    tools: list[Tool] = field(default_factory=list)
    choice: Choice = AUTO
    format: Format | None = None
    reasoning: str | None = None  # low, medium, high
    stop: list[str] = field(default_factory=list)
    n: int = 1
    session: str | None = None  # the client's own name of the conversation, if it told one
    extra: dict[str, Any] = field(default_factory=dict)  # GigaChat's own fields, from an allow list
    fields: FieldNames = field(default_factory=FieldNames)


class Usage(NamedTuple):
    """Tokens, with one meaning everywhere: `prompt` contains `cached`. `raw` is what GigaChat said, word for word."""

    prompt: int
    completion: int
    total: int
    cached: int | None
    raw: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    model: str
    created: int  # Unix seconds
    parts: list[Part]
    finish: Finish
    raw_finish: str | None
    usage: Usage | None
    stop_sequence: str | None = None  # of the request's, where it was cut


@dataclass(slots=True)
class Begin:
    """A stream's first event: GigaChat has begun to answer. `index` counts the choices, here and below.

    `called`: it begins with a call, which comes when it is whole.
    """

    model: str
    created: int
    index: int = 0
    called: bool = False


@dataclass(slots=True)
class Delta:
    """More of a stream's answer; a call comes whole."""

    index: int
    part: Part


@dataclass(slots=True)
class End:
    """The last event of a choice."""

    finish: Finish
    raw_finish: str | None
    usage: Usage | None
    index: int = 0
    stop_sequence: str | None = None  # of the request's, where the choice was cut


@dataclass(slots=True)
class Failed:
    """The stream did not come to its end: the model gave up, GigaChat reported an error, or the line broke."""

    reason: Literal["generation", "upstream", "truncated"]
    message: str  # GigaChat's own words, where it had any


Event = Begin | Delta | End | Failed


@dataclass(frozen=True, slots=True)
class Note:
    """What the translation did to a field. `rule` is from our own tables, never a client's word.

    `near`: the known name that was probably meant, where `path` ends in a name that nobody knows.
    """

    kind: NoteKind
    rule: str
    path: str = ""
    near: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """Texts to embed; `packed`: the client wants the vectors in base64."""

    model: str
    texts: list[str]
    packed: bool = False
    dimensions: int | None = None
    fields: FieldNames = field(default_factory=FieldNames)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings in the order of their texts; `tokens` is the sum over them."""

    model: str
    vectors: Sequence[Sequence[float]]
    tokens: int

    def joined(self, more: Vectors) -> Vectors:
        """These and the next batch's."""
        return Vectors(more.model, [*self.vectors, *more.vectors], self.tokens + more.tokens)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that GigaChat lists; `kind` is its own word (chat, embedder, ...)."""

    id: str
    owner: str
    kind: str | None
