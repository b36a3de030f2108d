"""Figures, their bars, and how they are shown."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

#: Tells what is going on, for people.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must hold: at most, or at least."""

    value: float
    at_least: bool = False

    def holds(self, figure: float) -> bool:
        """Whether a figure holds it."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.value)}"


def at_most(value: float) -> Bar:
    """A bar that is not to be exceeded."""
    return Bar(value)


def at_least(value: float) -> Bar:
    """A bar that is to be reached."""
    return Bar(value, at_least=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `rounds` are the single measurements whose median it is."""

    name: str
    value: float
    unit: str = ""
    bar: Bar | None = None
    rounds: tuple[float, ...] = ()

    @property
    def passed(self) -> bool | None:
        """Whether its bar holds; none without one."""
        return None if self.bar is None else self.bar.holds(self.value)

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "bar": None if self.bar is None else str(self.bar),
            "passed": self.passed,
            "rounds": [round(value, 4) for value in self.rounds],
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What one bench has measured; `notes` say what the figures mean."""

    title: str
    figures: Sequence[Figure]
    notes: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return {
            "title": self.title,
            "figures": [figure.as_json() for figure in self.figures],
            "notes": list(self.notes),
        }


def of_rounds(name: str, rounds: Sequence[float], unit: str = "", bar: Bar | None = None) -> Figure:
    """The median of several rounds."""
    return Figure(name, median(rounds), unit, bar, tuple(rounds))


def shown(value: float) -> str:
    """A value with as many decimals as it deserves."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def print_result(console: Console, result: Result) -> None:
    """A table."""
    table = Table(title=result.title, title_justify="left", title_style="bold", min_width=96)
    table.add_column("figure", ratio=1)
    for name in ("value", "bar", "rounds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    verdicts = {None: "", True: "[green]pass[/]", False: "[red]FAIL[/]"}
    for figure in result.figures:
        spread = (
            f"{shown(min(figure.rounds))} to {shown(max(figure.rounds))}"
            if len(figure.rounds) > 1
            else ""
        )
        bar = "" if figure.bar is None else str(figure.bar)
        table.add_row(
            figure.name,
            f"{shown(figure.value)} {figure.unit}".strip(),
            bar,
            spread,
            verdicts[figure.passed],
        )
    console.print(table)
    for note in result.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()
