"""Write the dashboards' JSON: `python -m deploy.grafana.generate`. A test holds what is committed against it."""

from __future__ import annotations

from pathlib import Path

from deploy.grafana import overview, runtime, upstream

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"


def dashboards() -> dict[str, str]:
    """Each file's name -> its text."""
    return {f"{module.UID}.json": module.board() for module in (overview, upstream, runtime)}


if __name__ == "__main__":
    for name, content in dashboards().items():
        (DASHBOARDS / name).write_text(content, "utf-8")
