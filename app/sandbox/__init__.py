"""A local server that behaves like GigaChat, for developers without credentials and for tests."""
