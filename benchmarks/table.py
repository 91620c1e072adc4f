"""Tables on the terminal, which are also valid Markdown, so that a run can be pasted into ``docs/performance.md``."""

from collections.abc import Sequence

__all__ = ["show", "show_ratio"]


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print one table; numbers stand to the right."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    print(f"\n### {title}\n", flush=True)
    print(_line(columns, widths))
    print("|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)) + "|")
    for row in cells:
        print(_line(row, widths), flush=True)


def show_ratio(what: str, value: float, aim: float, *, at_most: bool = False) -> None:
    """Print a figure against its aim."""
    reached = value <= aim if at_most else value >= aim
    sign = "≤" if at_most else "≥"
    print(f"\n**{what}: {value:.2f}** (aim {sign} {aim:g}: {'reached' if reached else 'MISSED'})", flush=True)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join([first, *others])} |"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
