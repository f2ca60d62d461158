"""What the table of parameters says, in the Russian of README.ru.md: one line for each of the code's own."""

from __future__ import annotations

PARAMETERS = {
    "text, calls, results, images, audio and documents": "текст, вызовы, результаты, изображения, звук и документы",
    "by its name, an alias, or the configured one when it is left out": (
        "по имени, по псевдониму или, если не указана, из настроек"
    ),
    "chunks as GigaChat gives them": "чанки приходят так, как их отдаёт GigaChat",
    "`include_usage`: one more chunk with the usage": "`include_usage`: ещё один чанк, с расходом токенов",
    "0 becomes a value so small that GigaChat is deterministic": (
        "0 заменяется таким малым значением, что ответ GigaChat детерминирован"
    ),
    "as it is": "как есть",
    "0 and -1 mean no limit": "0 и -1 означают «без ограничения»",
    "the same as `max_tokens`, and before it": "то же, что `max_tokens`, но с более высоким приоритетом",
    "the same as `max_tokens`; the Responses API's name, sent here by some clients": (
        "то же, что `max_tokens`; имя из Responses API, некоторые клиенты присылают его и сюда"
    ),
    "an SDK's argument that some clients send literally: its fields count as the body's": (
        "аргумент SDK, который некоторые клиенты отправляют как поле: его содержимое считается полями тела"
    ),
    "functions, also in other vendors' forms; other tools and `strict` are left out, and told": (
        "функции, в том числе в форматах других вендоров; прочие инструменты и `strict` отбрасываются, о чём сообщается"
    ),
    "`auto`, `none`, `required` or `any`, a function by name, `allowed_tools`; all forms": (
        "`auto`, `none`, `required` или `any`, функция по имени, `allowed_tools`; во всех форматах"
    ),
    "taken; GigaChat calls one function an answer in either case": (
        "принимается; GigaChat в любом случае вызывает одну функцию за ответ"
    ),
    "the older form of `tools`; answers have `function_call` then": (
        "старый вариант `tools`; тогда и в ответах `function_call`"
    ),
    "the older form of `tool_choice`": "старый вариант `tool_choice`",
    "`text`, `json_object` (with a `schema`: as `json_schema`), `json_schema`": (
        "`text`, `json_object` (со `schema` — как `json_schema`), `json_schema`"
    ),
    "`low`, `medium`, `high`; others become the nearest, `none` the model's default": (
        "`low`, `medium`, `high`; остальные значения заменяются ближайшим, `none` — значением модели по умолчанию"
    ),
    "up to 16 different sequences; the answer is cut before the first that comes": (
        "до 16 разных последовательностей; ответ обрезается перед той, что встретится первой"
    ),
    "up to 4 choices; each is a request to GigaChat": "до 4 вариантов; на каждый уходит отдельный запрос к GigaChat",
    "GigaChat's own; greater than 0": "собственный параметр GigaChat; больше 0",
    "GigaChat's own; seconds between chunks": "собственный параметр GigaChat; секунды между чанками",
    "GigaChat's own": "собственный параметр GigaChat",
    "GigaChat's own; a list of strings": "собственный параметр GigaChat; список строк",
    "GigaChat's own; `enabled`, `top_n`": "собственный параметр GigaChat; `enabled`, `top_n`",
    "names the conversation for the prompt cache, as a hash": (
        "идентифицирует диалог для кэша промптов; в GigaChat уходит только хеш"
    ),
    "as `user`": "как `user`",
    "as `user`, and before it": "как `user`, но с более высоким приоритетом",
    "not sent": "не отправляется",
    "GigaChat has none": "в GigaChat такого нет",
    "GigaChat has `repetition_penalty`": "в GigaChat есть `repetition_penalty`",
    "answers are not kept for clients": "шлюз не хранит ответы",
    "answers are text": "ответы только текстом",
    "GigaChat decides": "решает GigaChat",
    "GigaChat has its own filter": "у GigaChat свой фильтр",
}
