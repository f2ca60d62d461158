"""Where a repair stands in a schema: how deep, by which steps, and inside the targets of which references."""

from __future__ import annotations

from typing import Any, NamedTuple

Path = tuple[Any, str] | None  # (the path to the parent, the last step); the root has none: `below` makes it in O(1)

_MAX_STEP = 64  # characters of one step in a written path


class Position(NamedTuple):
    """One schema's position. `open_targets`: the ids of the references' targets that this schema stands inside."""

    depth: int = 0
    open_targets: tuple[int, ...] = ()
    path: Path = None
    is_property: bool = False  # a property may be left out, unlike an item

    def below(self, step: str, *, is_property: bool = False) -> Position:
        """The position of a schema inside this one."""
        return Position(self.depth + 1, self.open_targets, (self.path, step), is_property)


def write_path(path: Path) -> str:
    """A path as `.a.b`: each step behind a dot; the root's is empty. Long steps are cut."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(f".{step[:_MAX_STEP]}")
    return "".join(reversed(steps))
