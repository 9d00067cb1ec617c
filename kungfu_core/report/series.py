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
        self._columns: dict[int, list[Point]] = {}

    def add(self, time: int, value: float) -> None:
        """Add a point; times never go back."""
        point = (time, value)
        column = self._columns.get((time - self._start) // self._width)
        if column is None:
            self._columns[(time - self._start) // self._width] = [point] * 4
            return
        if value < column[1][1]:
            column[1] = point
        if value > column[2][1]:
            column[2] = point
        column[3] = point

    def __iter__(self) -> Iterator[Point]:
        """Go through the points that are kept, in order of time."""
        for column in self._columns.values():
            yield from sorted(dict.fromkeys(column), key=lambda point: point[0])

    def __bool__(self) -> bool:
        return bool(self._columns)
