"""An example of a worker: asks the gateway one question and prints the answer as it comes. Put yours in its place.

Its environment: OPENAI_BASE_URL, which OpenAI's SDK reads by itself (or OPENAI_API_BASE, which LangChain reads and
the SDK does not), OPENAI_API_KEY (or OPENAI_API_KEY_FILE), OPENAI_MODEL. Its arguments: the question.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from openai import OpenAI, OpenAIError

QUESTION = "Представься одним предложением."


def client() -> OpenAI:
    """OpenAI's own client. The gateway tries again by itself and says whether another try helps: one is enough."""
    path = os.environ.get("OPENAI_API_KEY_FILE")
    key = Path(path).read_text("utf-8").strip() if path else os.environ.get("OPENAI_API_KEY", "any")
    # named here, so that a variable that is missing is no request to OpenAI
    url = os.environ.get("OPENAI_BASE_URL") or os.environ["OPENAI_API_BASE"]
    return OpenAI(base_url=url, api_key=key, max_retries=1)


def answer(question: str) -> Iterator[str]:
    """The pieces of an answer, as they come."""
    stream = client().chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-4o"),
        messages=[{"role": "user", "content": question}],
        stream=True,
    )
    for chunk in stream:
        for choice in chunk.choices:
            yield choice.delta.content or ""


def main() -> int:
    """Print one answer, or the reason why there is none."""
    try:
        for piece in answer(" ".join(sys.argv[1:]) or QUESTION):
            print(piece, end="", flush=True)
    except OpenAIError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
