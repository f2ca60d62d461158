"""An example of a worker: asks the gateway every minute and prints the answer. Replace it by yours."""

import os
import time

from openai import OpenAI, OpenAIError

# The gateway tries again by itself and says whether another try helps: one retry here is enough.
client = OpenAI(base_url=os.environ["OPENAI_API_BASE"], max_retries=1)


def ask(question: str) -> str:
    """One answer, or the reason why there is none."""
    try:
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
    except OpenAIError as error:
        return f"no answer: {error}"
    return answer.choices[0].message.content or ""


if __name__ == "__main__":
    while True:
        print(ask("Какое сегодня настроение?"))
        time.sleep(60)
