"""Charts as SVG: bars side by side or on top of one another, and curves.

A chart has no style and no script inside. The style sheet colours its parts by their classes, so it
is dark or light as the page is. Its numbers stand in a table beside it (docs/decisions/0035).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 62, 8, 10, 26
MOST_POINTS = 2_000
"""So many values of a series are drawn."""
_LABELS = 8
_WIDEST = 64.0
"""Units that a bar is wide at most."""
_AT_END, _IN_THE_MIDDLE = "end", "middle"
"""How a word below the chart stands at its place, in SVG."""
_NEAR_END = WIDTH - RIGHT - 24
"""From here on a word below the chart ends at its place, so that it is not cut off."""
_STEPS = (1, 2, 5, 10)
_PART = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
_BESIDE = Markup('<text x="{}" y="{}" text-anchor="end">{}</text>')
_UNDER = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
_LINE = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
_PATH = Markup('<polyline class="{}" points="{}"/>')
_FRAME = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of one kind.

    `name`: in words, for the legend. `look`: a class of the style sheet, such as `good`.
    `values`: one for each place of the chart.
    """

    name: str
    look: str
    values: Sequence[float]


def bars(label: str, places: Sequence[str], series: Sequence[Series]) -> Markup:
    """Bars, those of one place on top of one another. `places`: what stands below each.

    `label`: what the chart shows, for those who do not see it. Values are not below zero.
    """
    tops = [sum(it.values[i] for it in series) for i in range(len(places))]
    scale = _Scale.over(0, max(tops, default=0), whole=all(isinstance(it, int) for it in tops))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(places))
    wide = min(_WIDEST, max(1.0, slot * 0.72))
    parts = [*scale.grid()]
    for i, place in enumerate(places):
        below = 0.0
        for it in series:
            value = float(it.values[i])
            if value <= 0:
                continue
            y, height = scale.y(below + value), scale.y(below) - scale.y(below + value)
            told = f"{place}: {_digits(value)} {it.name}"
            x = LEFT + i * slot + (slot - wide) / 2
            parts.append(_PART.format(f"bar {it.look}", _n(x), _n(y), _n(wide), _n(height), told))
            below += value
    parts += _below(places, lambda i: LEFT + (i + 0.5) * slot)
    return _FRAME.format(WIDTH, HEIGHT, label, Markup("").join(parts))


def curves(label: str, places: Sequence[str], series: Sequence[Series]) -> Markup:
    """Curves that go in steps: each value holds until the next place. Values may be below zero."""
    values = [float(value) for it in series for value in it.values]
    counts = all(isinstance(value, int) for it in series for value in it.values)
    scale = _Scale.over(min([0.0, *values]), max([0.0, *values]), whole=counts)
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1)
    parts = [*scale.grid()]
    for it in series:
        points: list[str] = []
        for i, value in enumerate(it.values[:MOST_POINTS]):
            if i:
                points.append(f"{_n(LEFT + i * wide)},{_n(scale.y(float(it.values[i - 1])))}")
            points.append(f"{_n(LEFT + i * wide)},{_n(scale.y(float(value)))}")
        parts.append(_PATH.format(f"curve {it.look}", " ".join(points)))
    parts += _below(places, lambda i: LEFT + i * wide)
    return _FRAME.format(WIDTH, HEIGHT, label, Markup("").join(parts))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to heights, with lines at round values."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, low: float, high: float, *, whole: bool) -> "_Scale":
        """The scale that holds these values, and zero, with at most six lines.

        `whole`: the values are counts, so no line stands between two of them.
        """
        wanted = max((high - low) / 4, 1.0 if whole else 1e-9) if high > low else 1.0
        power = 10.0 ** math.floor(math.log10(wanted))
        step = next(size * power for size in _STEPS if size * power >= wanted * 0.999)
        first, last = math.floor(low / step) * step, math.ceil(high / step) * step
        return cls(first, last if last > first else first + step, step)

    def y(self, value: float) -> float:
        """The height of a value on the page."""
        part = (value - self.low) / (self.high - self.low)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - part)

    def grid(self) -> list[Markup]:
        """The lines of round values, with the values."""
        found = []
        for number in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + number * self.step
            y, look = self.y(value), "axis zero" if abs(value) < self.step / 2 else "axis"
            found.append(_LINE.format(look, LEFT, _n(y), WIDTH - RIGHT, _n(y)))
            found.append(_BESIDE.format(LEFT - 8, _n(y + 4), _short(value)))
        return found


def _below(places: Sequence[str], x: Callable[[int], float]) -> list[Markup]:
    """Some of the places, in words below the chart."""
    every = max(1, math.ceil(len(places) / _LABELS))
    return [
        _UNDER.format(_n(x(i)), HEIGHT - 8, _AT_END if x(i) > _NEAR_END else _IN_THE_MIDDLE, place)
        for i, place in enumerate(places)
        if i % every == 0
    ]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _short(value: float) -> str:
    """A value beside an axis: 1500000 is ``1.5M``."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{_digits(float(f'{value / size:.4g}'))}{letter}"
    return _digits(float(f"{value:.4g}"))


def _digits(value: float) -> str:
    """A number without an exponent, and without zeros at the end of its decimals."""
    return f"{value:,.5f}".rstrip("0").rstrip(".")
