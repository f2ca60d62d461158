"""The queries' building blocks: series of the gateway that the reader has chosen, rates, shares, quantiles."""

from __future__ import annotations

PREFIX = "gpt2giga_proxy_"
CHOSEN = 'job="$job", instance=~"$instance"'


def where(**labels: str) -> str:
    """Matchers; a value may begin with its operator: `where(code="=~401|403", result="good")`."""
    found = []
    for label, value in labels.items():
        operator = value[:2] if value[:2] in {"=~", "!=", "!~"} else ""
        found.append(f'{label}{operator or "="}"{value.removeprefix(operator)}"')
    return ", ".join(found)


def series(name: str, matchers: str = "") -> str:
    """The chosen gateways' series of a family of ours."""
    return process(PREFIX + name, matchers)


def process(name: str, matchers: str = "") -> str:
    """The chosen gateways' series of any family: `process_*`, `python_*`, `up`."""
    return f"{name}{{{', '.join(filter(None, [CHOSEN, matchers]))}}}"


def rate(name: str, by: str = "", matchers: str = "", window: str = "$__rate_interval") -> str:
    """How much a counter grows a second, added up over all labels but `by`."""
    return f"sum{_by(by)}(rate({series(name, matchers)}[{window}]))"


def grown(name: str, by: str = "", matchers: str = "", window: str = "5m") -> str:
    """How much a counter grew in a window, added up over all labels but `by`."""
    return f"sum{_by(by)}(increase({series(name, matchers)}[{window}]))"


def share(name: str, part: str, whole: str, window: str, by: str = "") -> str:
    """Which share of a counter's growth has these matchers; absent where there was no growth."""
    return f"{rate(name, by, part, window)} / ({rate(name, by, whole, window)} > 0)"


def quantile(q: float, name: str, by: str = "", matchers: str = "") -> str:
    """A quantile of a histogram."""
    return f"histogram_quantile({q}, {rate(f'{name}_bucket', ', '.join(filter(None, [by, 'le'])), matchers)})"


def mean(name: str, count: str, matchers: str = "", of: str = "") -> str:
    """A histogram's sum for each of `count`: what it contributes to one of those."""
    return f"{rate(f'{name}_sum', matchers=of or matchers)} / ({rate(f'{count}_count', matchers=matchers)} > 0)"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""
