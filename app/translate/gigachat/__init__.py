"""GigaChat's side of the translation: contract v1."""
