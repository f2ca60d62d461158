"""What a client in strict mode does about a rule that would drop or adapt something: one table.

A rule that has no row is the name of a parameter that GigaChat has nothing like: leaving it out is all there is to do.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

LEAVE_OUT = "Leave it out."
_SCHEMA = "Write the schema in a simpler way: one type for each value, no recursion, no conditions."
_MODEL_ANSWERS = "GigaChat's own way of doing it failed: ask in another way, or another model."

# A star stands for any words. The first row that fits counts.
ADVICE: tuple[tuple[str, str], ...] = (
    # parameters
    ("unknown", LEAVE_OUT),
    ("*.unknown", LEAVE_OUT),
    ("extra_body", "Give this field once, in the body or in extra_body: the two values differ."),
    ("max_tokens", "Give one limit only: max_completion_tokens and max_tokens differ."),
    ("max_output_tokens", "Give one limit only: max_output_tokens and another one differ."),
    ("*=*->unlimited", "Leave it out where no limit is meant, or give a limit of 1 or more."),
    ("*->clamped", "Give a limit that the model has, or leave it out."),
    ("dimensions", "Ask for the model's own size, or leave dimensions out and cut the vectors yourself."),
    ("reasoning_effort=*->*", "Use low, medium or high, or leave it out for the model's default."),
    ("*->vision", "Name a model that sees images: GET /v1/models lists what there is."),
    # tools
    ("*=required->auto", "Name the one function that must be called, or send 'auto'."),
    ("function_call", "Give one of tool_choice and function_call: the two say different things."),
    ("tools.type", "Send tools of the type 'function' only."),
    ("tools.parameters", "Give the function's parameters once: two schemas differ."),
    ("tools.strict", "Leave 'strict' out: GigaChat has nothing like it."),
    ("tools.duplicate", "Give each function a name of its own."),
    ("schema=*->object", "Send the schema as a JSON object of the type 'object'."),
    ("schema.items", "Say what the array holds: give its schema 'items'."),
    ("schema.any", "Say which type the value has: give its schema a 'type'."),
    ("schema.unresolved", "Define what $ref names in the schema's own $defs."),
    ("schema.invalid", "Correct this keyword of the schema: its value has the wrong type."),
    ("schema.*", _SCHEMA),
    # formats
    ("response_format.description", "Leave the description out, or write it into the schema."),
    ("*->function", _MODEL_ANSWERS),
    ("*->instruction", _MODEL_ANSWERS),
    ("*.extracted", _MODEL_ANSWERS),
    ("text->call", _MODEL_ANSWERS),
    # messages
    ("surrogate->U+FFFD", "Send whole characters: a text was cut inside an emoji."),
    ("messages.role->user", "Give the message a known role: system, developer, user, assistant or tool."),
    ("messages.name", "Leave 'name' out: write into the text who speaks."),
    ("messages.content->text", "Send the content as a string or as a list of parts."),
    ("messages.part", "Take this part out of the message, or send it as a type that is known here."),
    ("messages.refusal", "Send the refusal as a string."),
    ("messages.attachments", "Name a file by its id at GigaChat, or take it out of the message."),
    ("messages.audio", "Send the spoken answer's transcript as the message's text."),
    ("messages.audio->text", "Send the transcript as the message's text, without 'audio'."),
    ("messages.tool_calls", "Send each call as an object, in a message of the assistant's."),
    ("messages.function_call", "Send the call as an object, in a message of the assistant's."),
    ("messages.custom_call", "Send the call as one of a function, its arguments as a JSON object."),
    ("image_url.detail", "Leave 'detail' out: GigaChat has one way to look at images."),
    ("system->user", "Put it before the first answer, or send it as a message of the user's."),
    ("user.empty->space", "Give the message a text, or take it out of the history."),
    ("arguments->_raw", "Give the call's arguments as a JSON object in a string."),
    ("arguments.repaired", "Give the call's arguments as valid JSON: one object in a string."),
    ("call.unnamed->user", "Give the call the name of its function."),
    ("call.no_result", "Send the call's result behind it: a message of the role 'tool' with its tool_call_id."),
    ("result.by_order", "Give the result the tool_call_id of its call."),
    ("result->user", "Send the call that this result answers before it, with the same id."),
    # files
    ("file->words", "Send the file's bytes anew, or take its part out of the message: it can't be had any more."),
    ("file->user", "Send the file in a message of the user's."),
    ("images>10", "Send 10 images at most: take the oldest out of the history."),
    ("images.split", "Send one image in a message."),
    ("image.first_frame", "Send a picture that does not move."),
    ("documents>1", "Send one document in a request."),
)


def find_advice(rule: str) -> str:
    """What to do about this rule: one sentence."""
    return next((advice for pattern, advice in ADVICE if fnmatchcase(rule, pattern)), LEAVE_OUT)
