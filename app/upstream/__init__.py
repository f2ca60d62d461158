"""GigaChat over the network: trust, tokens, one HTTP attempt."""
