"""Lines of a text by offset: where they begin and end, and how deep something stands."""

from __future__ import annotations


class Lines:
    """The lines of one text, which end with LF."""

    def __init__(self, text: str) -> None:
        self._text = text

    def start(self, at: int) -> int:
        """Where the line of an offset begins."""
        return self._text.rfind("\n", 0, at) + 1

    def end(self, at: int) -> int:
        """Where it ends, the line feed aside."""
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def column(self, at: int) -> int:
        """How many characters stand before an offset in its line."""
        return at - self.start(at)

    def margin(self, at: int) -> str:
        """The white space that its line begins with."""
        line = self._text[self.start(at) : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def is_first(self, at: int) -> bool:
        """Whether nothing but white space stands before an offset in its line."""
        return not self._text[self.start(at) : at].strip(" \t")

    def above_comments(self, place: int, column: int) -> int:
        """The start of the comment lines right above a line's start that are as deep as ``column``."""
        while place:
            start = self.start(place - 1)
            if not self._text[start : place - 1].startswith(" " * column + "#"):
                break
            place = start
        return place
