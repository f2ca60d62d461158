"""Memory for what clients send and what is fetched for them, bounded all together."""

from __future__ import annotations

from app.errors import OVERLOADED, GatewayError


class Memory:
    """What all requests may hold at a time, in bytes."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def share(self) -> Share:
        """A context for one request, whose bytes count until it ends; what it hands over counts on."""
        return Share(self)


class Share:
    """The part of the memory that one request holds, or one piece of work that outlives it."""

    __slots__ = ("_memory", "taken")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.taken = 0

    def __enter__(self) -> Share:
        """Nothing is held yet."""
        return self

    def __exit__(self, *_fault: object) -> None:
        """Give all of it back, whatever happened."""
        self.give(self.taken)

    def take(self, size: int) -> None:
        """Hold more bytes. Raises GatewayError where all requests together hold too much."""
        self.taken += size
        self._memory.left -= size
        if self._memory.left < 0:
            raise GatewayError(OVERLOADED, "The gateway holds too many large requests. Try again shortly.")

    def give(self, size: int) -> None:
        """Hold less."""
        self.taken -= size
        self._memory.left += size

    def hand_over(self, size: int) -> Share:
        """Some of what is held becomes another's, who holds it for longer: counted once all the time."""
        other = Share(self._memory)
        self.taken -= size
        other.taken = size
        return other
