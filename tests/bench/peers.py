"""The gateway beside gpt2giga and LiteLLM's proxy, on the same fake GigaChat: `python -m tests.bench.peers --help`.

Each has the settings of its documentation and one process; all are alive, one is under load at a time. What is told is
CPU time: per request, per chunk.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from . import document, load, measure, payloads, processes, verify
from .measure import Figures, Scenario
from .processes import Launcher, Process
from .report import middle
from .steadiness import Ratios, probe

ENVIRONMENTS = processes.ROOT / ".venv"
PEERS = ("gpt2giga", "litellm")
ROUNDS = 10
FAILED = 2
# Times that a peer takes the gateway's CPU, at least: of gpt2giga.
GOALS = {"request 2k": 11.0, "request 9k": 13.0, "burst": 25.0, "paced": 4.5}
# How much less is asked of a peer in its turn, so that it lasts about as long as the others'.
FEWER = {"request": 10, "burst": 10, "paced": 1}


@dataclass(slots=True)
class Beside:
    """One peer in one scenario: its figures, and its CPU to the gateway's, turn by turn."""

    peer: str
    scenario: Scenario
    own: Figures = field(default_factory=Figures)
    gateway: Figures = field(default_factory=Figures)
    ratios: Ratios = field(default_factory=Ratios)
    failure: str | None = None

    @property
    def goal(self) -> float | None:
        """What the ratio should be at least."""
        return GOALS.get(self.scenario.name) if self.peer == "gpt2giga" else None

    @property
    def met(self) -> bool:
        """No goal is missed."""
        return self.goal is None or (bool(self.ratios.all) and self.ratios.median >= self.goal)


def _python(peer: str) -> Path:
    return ENVIRONMENTS / f".peers-{peer}" / "bin" / "python"


def _version(peer: str) -> str:
    """The version that is installed, as its folder of metadata tells it."""
    for found in _python(peer).parents[1].glob(f"lib/python*/site-packages/{peer}-*.dist-info"):
        return found.name.removeprefix(f"{peer}-").removesuffix(".dist-info")
    return "?"


def _settings(upstream_port: int) -> dict[str, str]:
    """Where GigaChat is, in the words that both peers read."""
    upstream = f"http://127.0.0.1:{upstream_port}"
    return {
        "GIGACHAT_CREDENTIALS": base64.b64encode(b"bench:bench").decode(),
        "GIGACHAT_SCOPE": "GIGACHAT_API_PERS",
        "GIGACHAT_BASE_URL": f"{upstream}/v1",
        "GIGACHAT_API_BASE": f"{upstream}/v1",
        "GIGACHAT_AUTH_URL": f"{upstream}/api/v2/oauth",
        "GIGACHAT_VERIFY_SSL_CERTS": "false",
    }


def _gpt2giga(launcher: Launcher, port: int) -> tuple[list[str], dict[str, str]]:
    settings = {
        "GPT2GIGA_MODE": "PROD",
        "GPT2GIGA_HOST": "127.0.0.1",
        "GPT2GIGA_PORT": str(port),
        "GPT2GIGA_ENABLE_API_KEY_AUTH": "true",
        "GPT2GIGA_API_KEY": payloads.API_KEY,
        "GPT2GIGA_LOG_LEVEL": "INFO",
        "GPT2GIGA_LOG_FILENAME": str(launcher.folder / "gpt2giga-own.log"),
    }
    return [str(_python("gpt2giga").parent / "gpt2giga")], settings


def _litellm(launcher: Launcher, port: int) -> tuple[list[str], dict[str, str]]:
    config = {
        "model_list": [
            {
                "model_name": payloads.MODEL,
                "litellm_params": {"model": f"gigachat/{payloads.MODEL}", "ssl_verify": False},
            }
        ],
        "general_settings": {"master_key": payloads.API_KEY},
        "litellm_settings": {"drop_params": True},
    }
    path = launcher.folder / "litellm.yaml"
    path.write_bytes(orjson.dumps(config))  # JSON is YAML
    command = [str(_python("litellm").parent / "litellm"), "--config", str(path), "--host", "127.0.0.1"]
    return [*command, "--port", str(port), "--telemetry", "False"], {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


_COMMANDS = {"gpt2giga": _gpt2giga, "litellm": _litellm}


@contextlib.contextmanager
def _started(launcher: Launcher, peer: str, upstream_port: int) -> Iterator[Process]:
    port = processes.free_port()
    command, settings = _COMMANDS[peer](launcher, port)
    settings |= _settings(upstream_port)
    with launcher.run(peer, command, port, launcher.cores.proxy, settings) as process:
        process.wait(processes.ask_chat)
        yield process


def _rounds(beside: Beside, processes_: tuple[Process, Process], rounds: int, core: int) -> None:
    """Peer and gateway in turn; whoever goes first goes second in the next round."""
    scenario = beside.scenario
    fewer = replace(scenario, count=max(scenario.concurrency, scenario.count // FEWER[scenario.kind]))
    turns = list(zip(processes_, (fewer, scenario), (beside.own, beside.gateway), strict=True))
    for process, plan, _ in turns:
        measure.turn(plan, process)
    for _ in range(rounds):
        probes = [probe(core)]
        for process, plan, figures in turns:
            measure.turn(plan, process, figures)
            probes.append(probe(core))
        turns.reverse()
        beside.ratios.add(beside.own.cpu[-1] / beside.gateway.cpu[-1], probes)


def _compare(launcher: Launcher, peers: list[str], rounds: int, quick: bool) -> list[Beside]:
    wanted = [one for one in measure.scenarios(quick) if one.name in GOALS]
    found = []
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(launcher.upstream())
        gateway = stack.enter_context(launcher.proxy("gateway", upstream.port))
        gateway.wait(processes.ask_chat)
        for peer in peers:
            with _started(launcher, peer, upstream.port) as process:
                for scenario in wanted:
                    beside = Beside(peer, scenario)
                    try:
                        _rounds(beside, (process, gateway), rounds, launcher.cores.proxy)
                    except (load.LoadFailed, verify.WrongAnswer) as error:
                        beside.failure = f"{type(error).__name__}: {error}"
                        print(beside.failure, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
                    found.append(beside)
    return found


def table(found: list[Beside]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| | CPU of | peer | gateway | peer to gateway | spread | goal: at least |"
    yield "|---|---|---|---|---|---|---|"
    for one in found:
        name = f"{one.peer} {_version(one.peer)}"
        what = f"{one.scenario.name}, {one.scenario.unit}"
        if one.failure is not None or not one.ratios.all:
            yield f"| {name} | {what} | could not be measured | | | | |"
            continue
        low, high = middle(one.ratios.counted)
        medians = statistics.median(one.own.cpu), statistics.median(one.gateway.cpu)
        cells = (f"{medians[0]:.3g}", f"{medians[1]:.3g}", f"{one.ratios.median:.1f}", f"{low:.1f} to {high:.1f}")
        yield f"| {name} | {what} | {' | '.join(cells)} | {'' if one.goal is None else f'{one.goal:g}'} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers", description="The gateway beside its peers.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="shorter streams")
    parser.add_argument("--only", choices=PEERS, help="one peer alone")
    parser.add_argument("--docs", action="store_true", help=f"write the table into {document.PAGE.name}")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a goal is missed")
    return document.parse(parser, "rounds", "quick", "only")


def main() -> int:
    """Measure, print, judge."""
    arguments = _arguments()
    document.end_on_signals()
    peers = [peer for peer in PEERS if arguments.only in (None, peer) and _python(peer).exists()]
    if not peers:
        print("no peer is installed: make bench-peers installs them", file=sys.stderr)
        return FAILED
    try:
        with processes.launcher() as launcher:
            found = _compare(launcher, peers, arguments.rounds, arguments.quick)
    except (load.LoadFailed, processes.NotReady) as error:
        print(f"failed: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return document.INTERRUPTED
    lines = list(table(found))
    print(*lines, sep="\n")
    if arguments.docs:
        document.write("peers", "make bench-peers", lines)
    return 1 if arguments.gate and not all(one.met for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
