"""How long the upstream room waits, tries and pauses: what a gateway has unless its wiring says otherwise. Seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpstreamTimes:
    """Durations in seconds. `TIMES` are those of every gateway; tests pass shorter ones."""

    # How long one request for a token may take.
    oauth: float = 10.0
    # While no first-level token lives, OAuth is asked at least this often; a refused key is asked about less often.
    longest_pause: float = 10.0
    longest_pause_refused: float = 30.0
    # How often a ready token's file is looked at, and GigaChat is asked about a token that works or was refused.
    file_look: float = 1.0
    probe: float = 300.0
    probe_refused: float = 60.0
    # Small requests of the gateway's own: a GigaChat that is silent for so long is as good as gone.
    small_request: float = 10.0
    # Without a request for so long, GigaChat is asked; while it is gone, it is asked soon, then less often.
    idle: float = 30.0
    gone_pauses: tuple[float, ...] = (*(1.0,) * 10, 2.0, 5.0, 10.0)
    # How often the monitor looks whether it is time to ask.
    monitor_tick: float = 0.5


TIMES = UpstreamTimes()
