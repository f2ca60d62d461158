"""JSON Schemas on their way to GigaChat: what its functions and its response formats take."""
