"""What the benchmarks make of what they saw, and the page that they write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import document, peers, slow, soak, streams
from tests.bench.__main__ import main
from tests.bench.figures import percentile

BLOCKS = ("bench", "streams", "peers")


@pytest.mark.parametrize("name", BLOCKS)
def test_a_command_rewrites_its_own_block(name: str, tmp_path: Path) -> None:
    """The second time as the first; what stands around the block stays."""
    page = tmp_path / "page.md"
    whole = document.PAGE.read_text("utf-8")
    page.write_text(whole, "utf-8")
    for cell in ("first", "second"):
        document.write(name, "make it", [f"| {cell} |"], page)
    written = page.read_text("utf-8")
    before, begin, rest = whole.partition(f"<!-- {name}:begin -->\n")
    after = rest.partition(f"<!-- {name}:end -->")[2]
    assert written.startswith(f"{before}{begin}`make it`: ")
    assert written.endswith(f"\n\n| second |\n<!-- {name}:end -->{after}")
    assert "| first |" not in written


def test_a_block_that_is_not_there_is_named() -> None:
    """A page without the markers is left as it is."""
    with pytest.raises(ValueError, match="nothing"):
        document.write("nothing", "make it", [])


@pytest.mark.parametrize("bench", [main, streams.main, peers.main])
def test_the_page_takes_whole_runs(
    bench: Callable[[], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures of a short run never stand there as those of the command."""
    option = ["--hold", "1"] if bench is streams.main else ["--quick"]
    monkeypatch.setattr("sys.argv", ["bench", "--docs", *option])
    with pytest.raises(SystemExit):
        bench()
    assert f"leave out {option[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(("share", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_percentiles_are_values_that_were_seen(share: int, expected: float) -> None:
    """Of a hundred values the p99 is the last but one."""
    assert percentile([number / 1000 for number in range(100, 0, -1)], share) == pytest.approx(expected)
    assert percentile([], share) == 0


def test_a_chunk_tells_when_it_was_sent() -> None:
    """Each of several in one read."""
    data = "".join(f'data: {{"content":"{slow.text(index, 100.5 + index)}"}}\n\n' for index in range(3))
    assert slow.sent(data.encode()) == [100.5, 101.5, 102.5]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([50.0] * 60, 0.0),
        ([50.0 + number for number in range(30)] + [80.0] * 30, 0.0),  # it has grown, and grows no more
        ([50.0] * 59 + [90.0], 0.0),  # a moment
        ([50.0 + number / 10 for number in range(60)], 2.4),
    ],
)
def test_growth_is_that_of_the_second_half(samples: list[float], expected: float) -> None:
    """Warming up and single moments do not count."""
    assert soak.growth(samples) == pytest.approx(expected)
