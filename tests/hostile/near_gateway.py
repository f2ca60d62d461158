"""The gateway as it is served, but that it fetches files from this machine too, and waits 5 s for one instead of 30."""

from __future__ import annotations

import sys
from functools import partial

from app import application, serve
from app.cli import main
from app.media.fetch import open_fetcher

if __name__ == "__main__":
    vars(application)["open_fetcher"] = partial(open_fetcher, seconds=5.0)
    vars(serve)["build"] = partial(application.build, public=lambda _: True)
    sys.exit(main())
