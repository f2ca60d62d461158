"""OpenAI's side of the translation: chat, models, embeddings."""
