"""Where the parts of a time line stand in its picture. A day has the same width everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.domain.calendar import add_months
from doors.queries.time_lines import Mark, Span, SpanKind, TimeLine

WIDTH, HEIGHT = 1000, 166
_LEFT, _RIGHT = 8, 8
_LANES = {SpanKind.PAUSE: (22, 9), SpanKind.LATE: (34, 9), SpanKind.FAILED: (81, 9)}
_BAR = (48, 30)
_MARKS, _ROW, _ROWS = 106, 13, 2
_AXIS = HEIGHT - 18
_LABEL = 60
"""Units that the name of a month needs."""
_TEXT = 6.3
"""Units that a letter is wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span: its rectangle, and its words where they fit."""

    span: Span
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A mark: where it stands."""

    mark: Mark
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The first day of a month. `text`: its name, or an empty text where there is no room."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture of a time line. `today`: where today is. `axis`: where the axis ends."""

    bars: list[Bar]
    dots: list[Dot]
    ticks: list[Tick]
    today: float
    axis: int = _AXIS
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def legend(self) -> list[SpanKind]:
        """The kinds of spans in it, each once, in the order of `SpanKind`."""
        drawn = {bar.span.kind for bar in self.bars}
        return [kind for kind in SpanKind if kind in drawn]


def drawn(line: TimeLine) -> Drawing:
    """The picture of a time line, to scale."""
    days = max(1, (line.last - line.first).days + 1)
    day_width = (WIDTH - _LEFT - _RIGHT) / days

    def x(day: date) -> float:
        return round(_LEFT + (day - line.first).days * day_width, 1)

    def bar(span: Span) -> Bar:
        first, last = max(span.first, line.first), min(span.last, line.last)
        y, height = _LANES.get(span.kind, _BAR)
        width = round(max(1.0, x(last) + day_width - x(first)), 1)
        fits = height > 20 and len(span.words) * _TEXT + 8 < width
        return Bar(
            span=span, x=x(first), y=y, width=width, height=height, text=span.words if fits else ""
        )

    return Drawing(
        bars=[bar(span) for span in line.spans if span.first <= line.last],
        dots=_dots([mark for mark in line.marks if line.first <= mark.day <= line.last], x),
        ticks=_ticks(line, x),
        today=x(line.today),
    )


def _dots(marks: list[Mark], x: Callable[[date], float]) -> list[Dot]:
    dots: list[Dot] = []
    for mark in marks:
        at = x(mark.day)
        near = sum(1 for dot in dots if abs(dot.x - at) < _ROW)
        dots.append(Dot(mark=mark, x=at, y=_MARKS + min(near, _ROWS) * _ROW))
    return dots


def _ticks(line: TimeLine, x: Callable[[date], float]) -> list[Tick]:
    months = [line.first.replace(day=1)]
    while months[-1] <= line.last:
        months.append(add_months(months[-1], 1))
    inside = [month for month in months if line.first <= month <= line.last]
    each = max(1, -(-len(inside) * _LABEL // WIDTH))
    return [
        Tick(x=x(month), text=f"{month:%b %Y}" if x(month) + _LABEL < WIDTH else "")
        for month in inside[::each]
    ]
