"""Which result belongs to which call of a history.

By the id, forward from the call: ids may repeat, and those of an earlier round get no result any more. What has no id,
or one that finds nothing, is paired by its function's name, else by its place, within its round: a round is the
assistant's turns side by side and what follows them. Takes linear time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.translate.dialogue import Call, Result, Turn


@dataclass(slots=True)
class _Round:
    """The calls of one round, and the results for which no call was found by id, with the places of their turns."""

    calls: list[Call] = field(default_factory=list)
    results: list[tuple[Result, str]] = field(default_factory=list)


class Pairs:
    """The pairs of one history. `guessed`: places of turns whose results were paired by their order."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self.results: dict[int, Result] = {}  # by the call's identity
        self.used: set[int] = set()  # the identities of these results
        self.guessed: list[str] = []
        self._waiting: dict[str, tuple[int, _Queue]] = {}  # by id: the calls' round, and those without a result
        rounds = [_Round()]
        before = ""
        for turn in turns:
            if turn.role == "assistant" and before != "assistant":
                rounds.append(_Round())
            before = turn.role
            for part in turn.parts:
                if isinstance(part, Call):
                    self._add_call(part, len(rounds))
                    rounds[-1].calls.append(part)
                elif isinstance(part, Result) and not self._find_call(part):
                    rounds[-1].results.append((part, turn.path))
        for one in rounds:
            if one.results:
                self._pair_by_order(one)

    def _add_call(self, call: Call, number: int) -> None:
        if call.id not in self._waiting or self._waiting[call.id][0] != number:
            self._waiting[call.id] = (number, _Queue([]))
        self._waiting[call.id][1].append(call)

    def _find_call(self, result: Result) -> bool:
        """Pair a result by its id; False: no call waits for it. Of calls with one id, one of its name comes first."""
        _, calls = self._waiting.get(result.call_id, (0, None)) if result.call_id else (0, None)
        call = None if calls is None else calls.take(result.name, self.results) or calls.take(None, self.results)
        if call is None:
            return False
        self._pair(call, result)
        return True

    def _pair(self, call: Call, result: Result) -> None:
        self.results[id(call)] = result
        self.used.add(id(result))

    def _pair_by_order(self, one: _Round) -> None:
        """Pair what is left of a round: a result that has an id belongs to a call that has none."""
        left = [call for call in one.calls if id(call) not in self.results]
        every, without_id = _Queue(left), _Queue([call for call in left if not call.id])
        for result, path in one.results:
            call = (without_id if result.call_id else every).take(result.name, self.results)
            if call is None:
                continue
            self._pair(call, result)
            if result.call_id or call.id or not result.name:  # else it is the form that knows names only
                self.guessed.append(path)


class _Queue:
    """Calls in their order, all of them and those of each name."""

    def __init__(self, calls: list[Call]) -> None:
        self._all: deque[Call] = deque()
        self._by_name: dict[str, deque[Call]] = {}
        for call in calls:
            self.append(call)

    def append(self, call: Call) -> None:
        self._all.append(call)
        self._by_name.setdefault(call.name, deque()).append(call)

    def take(self, name: str | None, taken: dict[int, Result]) -> Call | None:
        """The first call of this name that is not taken, else one without a name; of any name where none is given."""
        queues = [self._all] if name is None else [self._by_name.get(name), self._by_name.get("")]
        for queue in queues:
            while queue:
                call = queue.popleft()
                if id(call) not in taken:
                    return call
        return None
