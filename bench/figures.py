"""Figures, the bars that they must hold, and how both are printed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

#: Called with a few words for people about what is measured now.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bar:
    """The largest or the smallest value that a figure may have."""

    value: float
    at_least: bool = False

    def holds(self, figure: float) -> bool:
        """Whether a figure holds this bar."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.value)}"


def at_most(value: float) -> Bar:
    """A bar that a figure must not exceed."""
    return Bar(value)


def at_least(value: float) -> Bar:
    """A bar that a figure must reach."""
    return Bar(value, at_least=True)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    `name`, `value`, `unit`: what the table shows.
    `bar`: what the value must hold. Default: None.
    `rounds`: the single measurements. The value is their median.
    """

    name: str
    value: float
    unit: str = ""
    bar: Bar | None = None
    rounds: tuple[float, ...] = ()

    @property
    def passed(self) -> bool | None:
        """Whether its bar holds. None if it has no bar."""
        return None if self.bar is None else self.bar.holds(self.value)

    def as_json(self) -> dict[str, Any]:
        """As a JSON document for the file of results."""
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
    """What one bench has measured. `notes` say what the figures mean."""

    title: str
    figures: Sequence[Figure]
    notes: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """As a JSON document for the file of results."""
        return {
            "title": self.title,
            "figures": [figure.as_json() for figure in self.figures],
            "notes": list(self.notes),
        }


def of_rounds(name: str, rounds: Sequence[float], unit: str = "", bar: Bar | None = None) -> Figure:
    """The median of several rounds, as a figure."""
    return Figure(name, median(rounds), unit, bar, tuple(rounds))


def shown(value: float) -> str:
    """A value as text. Small values have more decimals."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def print_result(console: Console, result: Result) -> None:
    """Print a result as a table, with its notes below."""
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
