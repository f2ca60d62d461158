"""Runs the corpus against one tree, one request after another, and records what each of them brings."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import series
from .cases import Case, Group, Json, Reply, Step, ask
from .client import answers, sent
from .observer import Observer
from .processes import Tree
from .volatile import Placeholders

Record = Mapping[str, Any]
Write = Callable[[Record], None]

_LANES = 2  # groups at a time: while one waits for a clock another one works
_CALMING = 20  # tries to be served again after a fault
_DOUBTED, _DOUBT_SECONDS = 500, 0.4  # after such answers the gateway may ask whether GigaChat is there, at once
_STOP_SECONDS = 0.3  # until a signal has been heard


def record(tree: Tree, groups: Sequence[Group], write: Write) -> None:
    """Run all groups; `write` gets one record for each request, and one for each gateway's start and end.

    Each group has a gateway and a sandbox of its own, which serve one request at a time; a few groups run side by side.
    """
    with tempfile.TemporaryDirectory(prefix="wire-") as name, ThreadPoolExecutor(_LANES) as pool:
        folders = (Path(name) / str(number) for number in range(len(groups)))
        for found in pool.map(partial(_run, tree), groups, folders):
            for one in found:
                write(one)


def _run(tree: Tree, group: Group, folder: Path) -> list[Record]:
    pair, found = _start(tree, group, folder), list[Record]()
    with pair.stack:
        _Run(group, pair, found.append).run()
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """A running sandbox and the gateway in front of it; `stack` ends both, `fixed` are the placeholders of places."""

    observer: Observer
    fixed: Mapping[str, str]
    stack: ExitStack


def _start(tree: Tree, group: Group, folder: Path) -> _Pair:
    folder.mkdir()
    for name, text in group.files.items():
        (folder / name).write_text(text, "utf-8")
    with ExitStack() as stack:
        sandbox = stack.enter_context(tree.sandbox(folder))
        places = {"{folder}": str(folder), "{sandbox}": str(sandbox.address[1])}
        settings = {name: _filled(value, places) for name, value in group.settings.items()}
        _stand(Observer(sandbox, sandbox), group.faults)
        gateway = stack.enter_context(tree.gateway(folder, sandbox.address, settings))
        fixed = {
            f":{gateway.address[1]}": ":<gateway>",
            f":{sandbox.address[1]}": ":<sandbox>",
            str(folder): "<folder>",
        }
        return _Pair(Observer(gateway, sandbox, restless=bool(group.until)), fixed, stack.pop_all())


def _filled(text: str, places: Mapping[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def _stand(observer: Observer, faults: Iterable[Json]) -> None:
    """Let faults stand, in the place of all that stood, with an empty record."""
    observer.control("DELETE", "/sandbox/faults")
    observer.control("DELETE", "/sandbox/requests")
    for one in faults:
        observer.control("POST", "/sandbox/faults", one)


@dataclass(slots=True)
class _Run:
    """One group."""

    group: Group
    pair: _Pair
    write: Write
    observer: Observer = field(init=False)
    scrape: series.Scrape | None = None  # the last one, unless something else was asked since
    since: int = 0  # the first line of the log that belongs to the step

    def __post_init__(self) -> None:
        """The observer is the pair's."""
        self.observer = self.pair.observer

    def run(self) -> None:
        """Wait for the gateway, run the cases."""
        group, observer = self.group, self.observer
        if not (observer.awaits(group.until) if group.until else answers(observer.gateway.address, "/readyz")):
            self.write({"request": f"{group.name} / start", "failed": "the gateway did not become ready"})
            return
        self._started()
        for case in group.cases:
            self._case(case)
        if observer.gateway.popen.poll() is None:
            found = series.names(series.read(observer.metrics()), restless=observer.restless)
            self.write({"request": f"{group.name} / end", "series": found})

    def _started(self) -> None:
        """What the start logs, and which metrics there are before the first request."""
        observer = self.observer
        observer.quiet()
        text = observer.metrics()
        lines = sorted(observer.log(0, self._holders()), key=lambda line: str(line["event"]))
        found = series.names(series.read(text), restless=observer.restless)
        name = f"{self.group.name} / start"
        self.write({"request": name, "log": lines, "families": series.families(text), "series": found})

    def _case(self, case: Case) -> None:
        holders, replies = self._holders(), list[Reply]()
        for number, given in enumerate(case.steps):
            step = given if isinstance(given, Step) else given(replies)
            name = f"{self.group.name} / {case.name}" + (f" / {number + 1}" if len(case.steps) > 1 else "")
            found: dict[str, Any] = {"request": name}
            reply = self._stopping(step, found) if step.stop else self._step(step, found, holders)
            replies.append(reply)
            body, varied = holders.body(reply.body)
            headers = [holders.header(*one, varied=varied, masked=case.masked) for one in reply.headers]
            shown = {"status": reply.status, "ended": reply.ended, "headers": headers, "body": body}
            seen = {"upstream": self.observer.upstream(holders), "log": self.observer.log(self.since, holders)}
            self.write({**found, **shown, **seen})
            if step.faults or step.control or step.leave or self.group.faults:
                self._calm(doubted=reply.status >= _DOUBTED)

    def _step(self, step: Step, found: dict[str, Any], holders: Placeholders) -> Reply:
        """One request; the metrics before it and behind it. The connection stays open until all has been counted."""
        observer = self.observer
        before = self.scrape if self.scrape is not None else observer.rest()
        _stand(observer, step.faults or self.group.faults)
        for path, body in step.control:
            observer.control("POST", path, body)
        self.since = len(observer.gateway.lines())
        with sent(observer.gateway.address, step) as reply:
            self.scrape = observer.rest()
        changed = series.change(before, self.scrape, restless=observer.restless)
        found["metrics"] = {holders.text(name): value for name, value in changed.items()}
        if not observer.settled:
            found["settled"], observer.settled = False, True
        return reply

    def _stopping(self, step: Step, found: dict[str, Any]) -> Reply:
        """A request to a gateway that was asked to stop while another one was under way; its own end."""
        observer, gateway = self.observer, self.observer.gateway
        _stand(observer, ())
        self.since = len(gateway.lines())
        others: list[Reply] = []
        other = threading.Thread(target=_ask_slowly, args=(observer, others))
        other.start()
        while not series.total(series.read(observer.metrics()), "gpt2giga_proxy_in_flight_requests"):
            time.sleep(0.01)
        gateway.stop()
        time.sleep(_STOP_SECONDS)
        with sent(gateway.address, step) as reply:
            other.join()
        found["under way"] = [[one.status, one.ended] for one in others]
        found["exit code"] = gateway.popen.wait(20)
        return reply

    def _calm(self, *, doubted: bool) -> None:
        """Be served again, so that the next request meets no gateway in doubt, nor one that asks GigaChat just then."""
        self.scrape = None
        if self.group.until:
            return
        self.observer.control("DELETE", "/sandbox/faults")
        if doubted:
            self.observer.awaits_question(_DOUBT_SECONDS)
        _stand(self.observer, ())
        headers = {"Authorization": f"Bearer {self.group.settings.get('GPT2GIGA_API_KEY', '')}"}
        for _ in range(_CALMING):
            with sent(self.observer.gateway.address, Step(ask("calm"), headers=headers)) as reply:
                if reply.status == 200:
                    return
            time.sleep(0.1)

    def _holders(self) -> Placeholders:
        return Placeholders(self.pair.fixed)


def _ask_slowly(observer: Observer, replies: list[Reply]) -> None:
    with sent(observer.gateway.address, Step(ask("sandbox:wait 2\nsandbox:say дождались"))) as reply:
        replies.append(reply)
