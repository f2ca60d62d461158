"""`python -m tests.untried`: the gateway, which tries no request again and keeps no model from being asked.

For tests in a process of its own that are about what one failure of GigaChat's means for a client.
"""

from __future__ import annotations

import math
import sys

from app import application
from app.admission.circuits import CircuitTimes
from app.cli import main
from app.exchange.tries import RetryPauses
from app.wiring import Times

NO_PAUSES = RetryPauses(first=math.inf, longest=math.inf)
NO_CIRCUITS = CircuitTimes(attempts=sys.maxsize, stop_pause=0.0)

if __name__ == "__main__":
    defaults = application.build.__kwdefaults__
    assert defaults is not None
    defaults["times"] = Times(circuits=NO_CIRCUITS, pauses=NO_PAUSES)
    sys.exit(main())
