"""Regular expressions that a rule may use. Law: a search takes time in proportion to text and pattern, whatever both
are: an automaton reads each character once, and nothing is ever tried again.

Read are characters, `.`, classes (`[a-z]`, `[^…]`, `\\d \\w \\s` and their capitals), groups, `|`, `* + ?`, `{m,n}`,
`^` and `$` (of the whole text). Refused is what cannot be searched so: references back, looking around, and `\\b`.
"""

from collections.abc import Callable

from msgspec import Struct

MOST_STATES = 1_200
"""Of a pattern's automaton, with every `{m,n}` written out."""
MOST_TEXT = 20_000
"""Characters that are searched."""
MOST_KNOWN = 5_000
"""Steps of the automaton that are remembered."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}

IsIn = Callable[[str], bool]


class BadPattern(ValueError):
    """A pattern that is not read, with the place in it, from 1."""


class _State(Struct):
    """`reads` a character and goes on to `then`; without it, it is left at once for all of `then`."""

    reads: IsIn | None = None
    then: tuple[int, ...] = ()
    at_start: bool = False
    """Left only before the first character."""
    at_end: bool = False
    """Left only behind the last character."""


class _Part(Struct, frozen=True):
    """A piece of an automaton: the state that begins it, and the one that ends it and is left for nothing yet."""

    first: int
    last: int


class Pattern:
    """Searches texts. Raises BadPattern for a pattern that it cannot."""

    def __init__(self, pattern: str) -> None:
        reader = _PatternReader(pattern)
        whole = reader.whole()
        self._states = reader.states
        self._first, self._goal = whole.first, whole.last
        self._known: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._begun = self._closure({self._first}, start=True, end=False)
        self._anew = self._closure({self._first}, start=False, end=False)

    def is_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text."""
        now = self._begun
        for letter in text:
            if self._goal in now:
                return True
            key = (now, letter)
            after = self._known.get(key)
            if after is None:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                after = self._known[key] = self._step(now, letter) | self._anew
            now = after
        return self._goal in self._closure(set(now), start=not text, end=True)

    def _step(self, now: frozenset[int], letter: str) -> frozenset[int]:
        reached: set[int] = set()
        for number in now:
            state = self._states[number]
            if state.reads is not None and state.reads(letter):
                reached.update(state.then)
        return self._closure(reached, start=False, end=False)

    def _closure(self, numbers: set[int], *, start: bool, end: bool) -> frozenset[int]:
        """The states and all that are reached from them without reading."""
        found, left = set(numbers), list(numbers)
        while left:
            state = self._states[left.pop()]
            if state.reads is not None or (state.at_start and not start) or (state.at_end and not end):
                continue
            fresh = [number for number in state.then if number not in found]
            found.update(fresh)
            left += fresh
        return frozenset(found)


class _PatternReader:
    """Reads a pattern once from left to right; groups by recursion, as deep as they nest."""

    MOST_NESTED = 30

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self.states: list[_State] = []

    def whole(self) -> _Part:
        part = self._either()
        if self._at < len(self._pattern):
            raise self._bad("a ) without its (")
        return part

    def _either(self) -> _Part:
        parts = [self._row()]
        while self._takes("|"):
            parts.append(self._row())
        if len(parts) == 1:
            return parts[0]
        last = self._new(_State())
        for part in parts:
            self._join(part.last, last)
        return _Part(self._new(_State(then=tuple(part.first for part in parts))), last)

    def _row(self) -> _Part:
        empty = self._new(_State())
        row = _Part(empty, empty)
        while self._peek() not in ("", "|", ")"):
            begun = self._at
            part = self._atom()
            row = _Part(row.first, self._joined(row, self._repeated(part, begun)))
        return row

    def _repeated(self, part: _Part, begun: int) -> _Part:
        least, most = self._times()
        if (least, most) == (1, 1):
            return part
        ended = self._at
        copies = [part, *(self._again(begun) for _ in range(max(least, 1 if most is None else most) - 1))]
        self._at = ended
        first = last = self._new(_State())
        for number, copy in enumerate(copies):
            self._join(last, copy.first)
            end = self._new(_State())
            self._join(copy.last, end)
            if number >= least:
                self._join(last, end)
            if most is None and number == len(copies) - 1:
                self._join(copy.last, copy.first)
            last = end
        if most == 0:
            empty = self._new(_State())
            return _Part(empty, empty)
        return _Part(first, last)

    def _again(self, begun: int) -> _Part:
        self._at = begun
        return self._atom()

    def _times(self) -> tuple[int, int | None]:
        """How often what stands before is repeated, at least and at most (None: any number)."""
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        found = simple.get(self._peek())
        if found is not None:
            self._at += 1
        elif self._takes("{"):
            found = self._bounds()
        else:
            return 1, 1
        if self._peek() in ("*", "+", "?", "{"):
            raise self._bad("a repeat of a repeat")
        return found

    def _bounds(self) -> tuple[int, int | None]:
        inside, closed, _ = self._pattern[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not least.isdecimal() or (most and not most.isdecimal()) or len(inside) > 9:
            raise self._bad("{ must be followed by m}, m,} or m,n}")
        self._at += len(inside) + 1
        low, high = int(least), int(most) if most else (None if comma else int(least))
        if high is not None and high < low:
            raise self._bad(f"{{{inside}}} repeats at most less often than at least")
        if max(low, high or 0) > MOST_STATES:
            raise self._bad(f"more than {MOST_STATES} repeats")
        return low, high

    def _atom(self) -> _Part:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter in "*+?{":
            raise self._bad(f"{letter} repeats nothing")
        if letter == "^":
            return self._single(_State(at_start=True))
        if letter == "$":
            return self._single(_State(at_end=True))
        return self._single(_State(reads=self._set(letter)))

    def _group(self) -> _Part:
        if self._takes("?:"):
            pass
        elif self._peek() == "?":
            raise self._bad("(? … is not read here, but for (?:")
        self._depth += 1
        if self._depth > self.MOST_NESTED:
            raise self._bad("groups nested too deeply")
        part = self._either()
        self._depth -= 1
        if not self._takes(")"):
            raise self._bad("a ( without its )")
        return part

    def _set(self, letter: str) -> IsIn:
        """The characters that an atom reads."""
        if letter == ".":
            return lambda read: read != "\n"
        if letter == "[":
            return self._class()
        if letter == "\\":
            kind, single = self._escape()
            return kind or (lambda read: read == single)
        return lambda read: read == letter

    def _escape(self) -> tuple[IsIn | None, str]:
        letter = self._next()
        kinds: dict[str, IsIn] = {"d": str.isdecimal, "s": str.isspace, "w": _is_word}
        kind = kinds.get(letter.lower())
        if kind is not None:
            return (kind if letter.islower() else (lambda read: not kind(read))), ""
        if letter in _ESCAPES or not letter.isalnum():
            return None, _ESCAPES.get(letter, letter)
        raise self._bad(f"\\{letter} is not read here")

    def _class(self) -> IsIn:
        negated = self._takes("^")
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        kinds: list[IsIn] = []
        begun = self._at
        while self._at == begun or self._peek() != "]":
            low = self._next()
            kind, low = self._escape() if low == "\\" else (None, low)
            if kind is not None:
                kinds.append(kind)
            elif self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._next()
                other, high = self._escape() if high == "\\" else (None, high)
                if other is not None or high < low:
                    raise self._bad(f"{low}-{high} is no range")
                ranges.append((low, high))
            else:
                singles.add(low)
        self._at += 1

        def within(read: str) -> bool:
            return read in singles or any(a <= read <= b for a, b in ranges) or any(is_in(read) for is_in in kinds)

        return (lambda read: not within(read)) if negated else within

    def _single(self, state: _State) -> _Part:
        last = self._new(_State())
        state.then = (last,)
        return _Part(self._new(state), last)

    def _joined(self, row: _Part, part: _Part) -> int:
        self._join(row.last, part.first)
        return part.last

    def _join(self, one: int, other: int) -> None:
        self.states[one].then += (other,)

    def _new(self, state: _State) -> int:
        if len(self.states) >= MOST_STATES:
            raise self._bad(f"longer than {MOST_STATES} steps, repeats written out")
        self.states.append(state)
        return len(self.states) - 1

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        letter = self._peek()
        if not letter:
            raise self._bad("it ends too early")
        self._at += 1
        return letter

    def _takes(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _bad(self, why: str) -> BadPattern:
        return BadPattern(f"{why} (character {self._at} of the pattern)")


def _is_word(read: str) -> bool:
    return read.isalnum() or read == "_"
