"""CPU per request and per chunk of the gateway, as a ratio to bare aiohttp in the same run: `python -m tests.bench`."""
