"""How is a figure measured? In turns with its limit, as medians; shown as a table and kept as JSON."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import orjson

_T = TypeVar("_T")

_SHOWN: Final = ("figure", "unit", "value", "limit", "ratio", "repetitions")
SHARED_COMMITS: Final = (
    "above 1.0 because concurrent purchases share commits; each is answered after its commit is durable"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A median, beside the median of its limit; `ratio` is the median of the ratios of each repetition."""

    figure: str
    unit: str
    value: float
    limit: float
    ratio: float
    repetitions: int
    limited_by: str
    """What the limit is, in words."""
    floor: float | None
    """The ratio to be reached; None where none is set."""
    lower_is_better: bool
    remark: str
    """To stand beside it."""

    @property
    def reached(self) -> bool:
        if self.floor is None:
            return True
        return self.ratio <= self.floor if self.lower_is_better else self.ratio >= self.floor


async def in_turns(sides: Mapping[str, Callable[[], Awaitable[_T]]], repetitions: int) -> dict[str, list[_T]]:
    """What each side measured, once a repetition; the order turns, so that a drift of the machine favors nobody."""
    measured: dict[str, list[_T]] = {name: [] for name in sides}
    for repetition in range(repetitions):
        order = list(sides)
        for name in order if repetition % 2 == 0 else reversed(order):
            measured[name].append(await sides[name]())
    return measured


def figure(
    name: str,
    unit: str,
    values: Sequence[float],
    limits: Sequence[float],
    *,
    limited_by: str,
    at_least: float | None = None,
    at_most: float | None = None,
    remark: str = "",
    remark_above_one: str = "",
) -> Figure:
    """From what was measured in the same repetitions; one of `at_least` and `at_most` may name a floor."""
    ratio = median(value / limit for value, limit in zip(values, limits, strict=True))
    return Figure(
        figure=name,
        unit=unit,
        value=median(values),
        limit=median(limits),
        ratio=ratio,
        repetitions=len(values),
        limited_by=limited_by,
        floor=at_least if at_most is None else at_most,
        lower_is_better=at_most is not None,
        remark=remark_above_one if ratio > 1 and remark_above_one else remark,
    )


def table(figures: Sequence[Figure]) -> str:
    rows = [("figure", "unit", "value", "limit", "ratio", "floor", "limit is")]
    for one in figures:
        floor = "" if one.floor is None else f"{'≤' if one.lower_is_better else '≥'} {one.floor:g}"
        rows.append(
            (
                one.figure,
                one.unit,
                _number(one.value),
                _number(one.limit),
                f"{one.ratio:.2f}",
                floor if one.reached else f"{floor} MISSED",
                one.limited_by,
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(_aligned(row, widths)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines += [""] + [f"{one.figure}: {one.remark}." for one in figures if one.remark]
    return "\n".join(lines)


def write(figures: Sequence[Figure], path: Path) -> None:
    content = [{name: asdict(one)[name] for name in _SHOWN} for one in figures]
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.rjust(width) if 2 <= place <= 4 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
