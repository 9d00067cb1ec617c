"""Thins a long series for drawing without hiding an extreme."""

from collections.abc import Iterator

Point = tuple[int, float]


class Series:
    """Keeps the first, lowest, highest and last point of each of equally wide columns of time.

    Drawn as a line it covers the same pixels as the whole series, if a column is a pixel wide.
    Source: Jugel et al., M4: A Visualization-Oriented Time Series Data Aggregation (VLDB 2014).

    Args:
        start: of the first column, ns.
        end: of the last column, ns.
        columns: how many.
    """

    def __init__(self, start: int, end: int, columns: int) -> None:
        self._start = start
        self._width = max(-(-(end - start + 1) // columns), 1)
        self._columns: dict[int, list[tuple[int, Point]]] = {}
        self._count = 0

    def add(self, time: int, value: float) -> None:
        """Add a point; times never go back."""
        self._count += 1
        entry = self._count, (time, value)
        number = (time - self._start) // self._width
        column = self._columns.get(number)
        if column is None:
            self._columns[number] = [entry] * 4
            return
        if value < column[1][1][1]:
            column[1] = entry
        if value > column[2][1][1]:
            column[2] = entry
        column[3] = entry

    def __iter__(self) -> Iterator[Point]:
        """Go through the points that are kept, in the order in which they came."""
        for column in self._columns.values():
            yield from (point for _, point in sorted(set(column)))

    def __bool__(self) -> bool:
        return bool(self._columns)
