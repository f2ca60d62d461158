"""gpt2giga-proxy: OpenAI's API in front of Sber's GigaChat."""
