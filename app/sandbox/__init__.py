"""A GigaChat that runs locally, for developers without credentials and for the tests."""
