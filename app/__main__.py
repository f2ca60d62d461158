"""`python -m app`: see `python -m app --help`."""

import sys

from app import standard_streams

# This comes before the other imports: they open files, which would get the descriptor of a closed stream.
standard_streams.prepare()

from app.cli import main  # noqa: E402

sys.exit(main())
