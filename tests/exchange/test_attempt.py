"""Attempts: what is decided before anything is paid, and once more when the files are known by their content."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from app.admission.tickets import Ticket
from app.exchange.attempt import Attempt
from app.exchange.variants import Fallbacks, Variant
from app.exchange.verdicts import Seen
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.translate.abilities import Abilities
from app.translate.dialogue import (
    Call,
    Choice,
    FileId,
    Format,
    Inline,
    Media,
    Note,
    Request,
    Sampling,
    Text,
    Tool,
    Turn,
    Uploaded,
    Url,
)
from app.translate.gigachat import contracts
from app.translate.identity_headers import derive_client_id
from app.upstream.failures import Refused
from tests.attaching import attached, by_id, chats, document, image, shelf, showing, sound, uploads
from tests.media import files as made
from tests.running import GatewayStarter, Running
from tests.watching import ask, told, tool

PHOTO, ANIMATED = (
    made.photo("JPEG"),
    made.saved(made.picture(), "GIF", save_all=True, append_images=[made.picture().rotate(90)]),
)
BLIND, VISION = "GigaChat", "GigaChat-2-Pro"
STRICT = {"X-Gateway-Strict": "1"}
both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# name -> the part, the model that is asked, notes
SEEN: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    "a blind model": (image(PHOTO), BLIND, VISION, "model->vision"),
    "OpenAI's name for it": (image(PHOTO), "gpt-4o", VISION, "model->vision"),
    "a file that is an image": (document(PHOTO, "a.pdf"), BLIND, VISION, "model->vision"),
    "an animation": (document(ANIMATED), BLIND, VISION, "model->vision, image.first_frame"),
    "a model that sees": (image(PHOTO), "GigaChat-2-Max", "GigaChat-2-Max", None),
    "a sound": (sound(made.OPUS), BLIND, BLIND, None),
    "a document": (document(made.PDF), BLIND, BLIND, None),
    "no file": ({"type": "text", "text": "?"}, BLIND, BLIND, None),
}


@both
@pytest.mark.parametrize(("part", "model", "asked", "adapted"), SEEN.values(), ids=SEEN)
async def test_a_model_that_sees_takes_over(
    part: dict[str, Any],
    model: str,
    asked: str,
    adapted: str | None,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only where the request has an image, by claim or by content, and the model sees none; it is told, and logged."""
    caplog.set_level("INFO", "gpt2giga")
    reply = await ask(http, gateway, showing(part, model=model, stream=stream))
    assert (reply.status, reply.headers.get("x-gateway-adapted")) == (200, adapted), reply.text
    assert chats(sandbox)[-1]["model"] == asked
    answered = reply.events[0]["model"] if stream else reply.json["model"]
    assert answered.partition(":")[0] == asked
    assert (await told(caplog))["model"] == asked


@both
@pytest.mark.parametrize("setting", ["off", "GigaChat-2-Max"])
async def test_the_operator_says_which(
    setting: str, stream: bool, sandbox: server.Running, start_gateway: GatewayStarter, http: aiohttp.ClientSession
) -> None:
    """Another model, or none: then GigaChat's own refusal is the answer."""
    gateway = await start_gateway(GPT2GIGA_VISION_MODEL=setting)
    reply = await ask(http, gateway, showing(image(PHOTO), model=BLIND, stream=stream))
    if setting == "off":
        assert (reply.status, reply.error["code"]) == (400, "upstream_rejected")
        assert "does not support images" in reply.error["message"]
        assert chats(sandbox)[-1]["model"] == BLIND
    else:
        assert (reply.status, chats(sandbox)[-1]["model"]) == (200, setting)


@both
async def test_strict_mode_refuses_another_model(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Before anything is uploaded; a model that sees is asked."""
    body = showing(image(PHOTO), model=BLIND, stream=stream)
    reply = await ask(http, gateway, body, headers=STRICT)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unsupported_parameter", "model")
    assert (uploads(sandbox), chats(sandbox)) == (0, [])
    assert (await ask(http, gateway, {**body, "model": VISION}, headers=STRICT)).status == 200


@both
@pytest.mark.parametrize(
    ("part", "model", "param"),
    [
        (document(PHOTO), BLIND, "model"),
        (document(ANIMATED), VISION, "messages[0].content[1].file.file_data"),
        (image(ANIMATED), VISION, "messages[0].content[1].image_url.url"),
    ],
    ids=["an image by content", "an animation by content", "an animation"],
)
async def test_strict_mode_refuses_what_is_known_late(
    part: dict[str, Any],
    model: str,
    param: str,
    stream: bool,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """What the content tells is refused before GigaChat's model is asked."""
    reply = await ask(http, gateway, showing(part, model=model, stream=stream), headers=STRICT)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "unsupported_parameter", param)
    assert chats(sandbox) == []


@both
async def test_a_refused_plan_loads_nothing(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What can be refused for free is refused before a file is looked at."""
    body = showing(image("http://127.0.0.1/never"), stream=stream, repetition_penalty=0)
    reply = await ask(http, gateway, body)
    assert (reply.status, reply.error["param"], uploads(sandbox)) == (400, "repetition_penalty", 0)


@both
async def test_every_variant_and_choice_has_the_files(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A second choice, and a try that asks in words for JSON, attach the same ids and keep the notes."""
    body = showing(image(PHOTO), model=BLIND, stream=stream, n=2)
    assert (await ask(http, gateway, body)).status == 200
    (file,) = shelf(sandbox)
    assert [one["messages"][0]["attachments"] for one in chats(sandbox)] == [[file.id]] * 2
    sandbox.state.requests.clear()
    sandbox.state.faults.add("ignore_format", "chat")
    body = showing(image(PHOTO), model=BLIND, stream=stream, response_format={"type": "json_object"})
    reply = await ask(http, gateway, body)
    assert (reply.status, len(chats(sandbox)), attached(sandbox)) == (200, 2, [[file.id]])
    assert reply.headers["x-gateway-adapted"].startswith("model->vision, ")


@both
async def test_tools_and_files_of_one_request(
    stream: bool, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """A model that sees something may call a function of it, in each choice under an id of its own."""
    body = showing(image(PHOTO), text="name", stream=stream, n=2, tools=[tool("name")])
    reply = await ask(http, gateway, body)
    assert reply.status == 200
    calls = [one["message"]["tool_calls"][0] for one in reply.choices]
    assert [call["function"]["name"] for call in calls] == ["name", "name"]
    assert calls[0]["id"] != calls[1]["id"]
    assert [one["messages"][0]["attachments"] for one in chats(sandbox)] == [[shelf(sandbox)[0].id]] * 2


async def test_the_gateways_names_for_the_client(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Upload and chat bear the same, and the session stays that of the words."""
    assert (await ask(http, gateway, showing(image(PHOTO)), headers={"X-Tenant-ID": "alice"})).status == 200
    assert (await ask(http, gateway, showing(), headers={"X-Tenant-ID": "alice"})).status == 200
    with_file, without = sandbox.state.requests.of("chat")
    (sent,) = sandbox.state.requests.of("files")
    assert sent.headers["X-Client-ID"] == with_file.headers["X-Client-ID"] == derive_client_id("alice")
    assert "X-Client-ID" not in without.headers
    assert with_file.headers["X-Session-ID"] == without.headers["X-Session-ID"]


def attempt(request: Request, record: RequestRecord, *notes: Note, strict: bool = False) -> Attempt:
    """An attempt as the gateway makes it."""
    return Attempt(
        request,
        notes,
        record,
        contract=contracts.CHAT,
        abilities=Abilities(vision=VISION),
        fallbacks=Fallbacks("auto", state_echo=True),
        strict=strict,
        ticket=Ticket("default", 0.0, 60.0),
    )


def asked(*parts: Text | Media, **more: Any) -> Request:
    """A request with one message."""
    return Request(BLIND, [Turn("user", list(parts), "messages[0]")], Sampling(), **more)


def test_files_that_are_attached_anew_are_told_once() -> None:
    """After a lost file the plan is written again: with the new ids, and the same notes."""
    record = RequestRecord()
    made_ready = attempt(asked(Text("x"), Media(None, Inline("b"), "p")), record)
    assert (made_ready.has_files, record.adapted, record.model) == (True, "", BLIND)
    for number in ("1", "2"):
        made_ready.attach({"p": Uploaded(number, "image", "image.first_frame")})
        assert record.adapted == "model->vision, image.first_frame"
        question = made_ready.question(0)
        assert question.payload["messages"][0]["attachments"] == [number]
        assert record.model == question.payload["model"] == VISION
    made_ready.variant = Variant(state_echo=False)
    assert made_ready.question(0).payload["messages"][0]["attachments"] == ["2"]
    assert made_ready.question(0) is made_ready.question(0)
    assert made_ready.question(1).payload["messages"][0]["attachments"] == ["2"]


PROSE = Seen([Text("Sure!")], "stop", "prose")


def test_what_won_serves_the_next_choice() -> None:
    """A fallback is paid for once; only which function is to be called may be asked for each choice."""
    called = asked(Text("x"), format=Format({"type": "object"}), n=3)
    first = attempt(called, RequestRecord())
    first.begin_choice(0)
    assert "response_format" in first.question(0).payload
    assert first.change_after_answer(PROSE)
    assert "response_format" not in first.question(0).payload
    first.begin_choice(1)
    assert "response_format" not in first.question(1).payload
    assert not first.change_after_answer(PROSE)

    tools = [Tool(name, None, None, f"tools[{number}]") for number, name in enumerate("ab")]
    second = attempt(asked(Text("x"), tools=tools, choice=Choice("required"), n=2), RequestRecord())
    for index in (0, 1):
        second.begin_choice(index)
        assert second.question(index).payload["function_call"] == "auto"
        assert second.change_after_answer(Seen([Text("no")], "stop"))
        assert second.question(index).payload["function_call"] == {"name": "choose_function"}
        assert second.change_after_answer(Seen([Call("1", "choose_function", {"name": "b"})], "calls"))
        assert second.question(index).payload["function_call"] == {"name": "b"}
        assert not second.change_after_answer(Seen([Text("no")], "stop"))


def test_strict_mode_takes_no_other_variant() -> None:
    """What GigaChat refuses or answers is what the client gets."""
    strict = attempt(asked(Text("x"), format=Format({"type": "object"})), RequestRecord(), strict=True)
    assert strict.opening() is None
    assert not strict.change_after_answer(PROSE)
    assert not strict.change_after_refusal(Refused(400, b'{"message":"bad response_format"}', None))


def test_what_was_done_to_an_answer_is_told_with_the_rest() -> None:
    """Also where another choice is written after it."""
    record = RequestRecord()
    plan = attempt(asked(Text("x"), n=2), record, Note("adapted", "a->b"))
    plan.told.add(Note("adapted", "text->call"))
    assert record.adapted == "a->b, text->call"
    plan.question(1)
    assert record.adapted == "a->b, text->call"


def test_a_plan_without_files_names_no_client() -> None:
    """Nothing is bound to it there."""
    plan = attempt(asked(Text("x")), record := RequestRecord(), Note("dropped", "seed", "seed"))
    assert (plan.has_files, record.dropped, record.dropped_params) == (False, "seed", {"seed": 1})
    assert "X-Client-ID" not in plan.question(0).job.headers


async def test_a_blind_model_and_an_id_of_an_image(
    sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """What GigaChat tells of the file decides."""
    assert (await ask(http, gateway, showing(image(PHOTO)))).status == 200
    reply = await ask(http, gateway, showing(by_id(shelf(sandbox)[0].id), model=BLIND))
    assert (reply.status, reply.headers["x-gateway-adapted"]) == (200, "model->vision")
    plan = attempt(asked(Media(None, FileId("x"), "p")), RequestRecord(), strict=True)
    assert plan.request.model == BLIND


def test_an_image_that_is_gone_changes_no_model() -> None:
    """The one that the client named answers where words stand in the place of all images: the other costs more."""
    gone, seen = Media("image", Url("u"), "p"), Media("image", Inline("b"), "q")
    plan = attempt(asked(Text("x"), gone, seen), record := RequestRecord())
    assert record.model == VISION
    plan.attach({"q": Uploaded("1", "image")}, {"p"})
    assert (record.model, record.adapted) == (VISION, "file->words, model->vision")
    plan.attach({}, {"q"})
    assert (record.model, record.adapted) == (BLIND, "file->words;n=2")
    assert plan.question(0).payload["model"] == BLIND
