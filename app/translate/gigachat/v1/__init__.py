"""GigaChat's contract v1: chats as `POST /v1/chat/completions` takes and answers them."""
