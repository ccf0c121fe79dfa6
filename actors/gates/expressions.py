r"""Mathematical expressions as trees of exact values.

Law: a tree holds every character of its text. A text that the grammar does not cover, or that has two meanings, raises
NotUnderstood: nothing is skipped, guessed or completed. Texts are in the spelling of `actors.gates.typography`.

    sum     = ["+" | "-" | "±"] term {("+" | "-" | "±") term}
    term    = factor {("*" | "/") ["-"] factor | factor}     side by side: no number, and nothing behind a quotient
    factor  = atom ["!" | "°"] ["^" exponent]
    atom    = number | mixed number | letter | constant | fraction | root | binomial | function | group
    group   = "(" sum ")" | "[" sum "]" | "{" sum ["\over" sum] "}" | "|" sum "|" | "⌊" sum "⌋" | "⌈" sum "⌉"
"""

from fractions import Fraction

from actors.gates.tokens import CONSTANTS, NotUnderstood, Token, tokens
from actors.gates.trees import (
    Constant,
    Expression,
    FunctionCall,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    negative,
)

DEEPEST = 24
"""The most levels of brackets, fractions and roots: this limits the stack."""
_CLOSING = {"(": ")", "{": "}", "[": "]", "|": "|", "⌊": "⌋", "⌈": "⌉"}
_ROUNDED = {"|": "abs", "⌊": "floor", "⌈": "ceiling"}
_CALLED = frozenset("fghFGH")
"""Letters that are functions before a bracket: `f(x)` is no product."""


def parse(text: str) -> Expression:
    """The tree of the whole text. Raises NotUnderstood."""
    reader = _Reader([*tokens(text), Token("", "end")])
    tree = reader.sum()
    if reader.next.kind != "end":
        raise NotUnderstood
    return Expression(tree, tuple(reader.runs))


class _Reader:
    """Recursive descent. `runs`: letters that stood side by side without an operator."""

    def __init__(self, found: list[Token]) -> None:
        self.runs: list[str] = []
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def _take(self, *texts: str) -> str | None:
        """The next token, if it is one of these."""
        token = self.next
        if token.text not in texts:
            return None
        self._at += 1
        return token.text

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            raise NotUnderstood

    def sum(self, *, inside: str = "") -> Node:
        """Reads a sum. `inside`: the open bracket, if it is `|`."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotUnderstood
        terms = [_signed(self._take("+", "-", "±"), self._term(inside))]
        while sign := self._take("+", "-", "±"):
            terms.append(_signed(sign, self._term(inside)))
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _term(self, inside: str) -> Node:
        factors = [self._factor()]
        run, divided = _letters(factors[0]), False
        while True:
            if sign := self._take("*", "/"):
                if divided and sign == "/":
                    raise NotUnderstood  # a/b/c
                self._end_run(run)
                minus = self._take("-")
                factor = self._factor()
                run, divided = _letters(factor), sign == "/"
                factor = negative(factor) if minus else factor
                factors.append(Power(factor, Number(Fraction(-1))) if divided else factor)
            elif self._stands_side_by_side(inside):
                if divided:
                    raise NotUnderstood  # 1/2x
                factors.append(self._factor())
                letters = _letters(factors[-1])
                run = run + letters if letters else self._end_run(run)
            else:
                self._end_run(run)
                return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def _end_run(self, run: str) -> str:
        if len(run) > 1:
            self.runs.append(run)
        return ""

    def _stands_side_by_side(self, inside: str) -> bool:
        token, before = self.next, self._tokens[self._at - 1]
        if token.kind == "number":
            raise NotUnderstood  # x2, 1 2
        if token.kind == "letter" and before.kind == "number" and (before.text == "1" or before.text.lstrip("0") == ""):
            raise NotUnderstood  # 1A, 0x
        if token.kind == "letter" and before.kind == "number" and before.text[0] == "0" and "." not in before.text:
            raise NotUnderstood  # 007A
        opens = token.text in _CLOSING and token.text != inside
        return token.kind in ("letter", "function") or opens or (token.kind == "command" and token.text != "\\over")

    def _factor(self) -> Node:
        node = self._atom()
        if self._take("!"):
            node = FunctionCall("factorial", (node,))
        elif self._take("°"):
            node = FunctionCall("degrees", (node,))
        if self._take("^"):
            node = self._power(node)
        if self.next.text in ("^", "!", "°", "_"):
            raise NotUnderstood  # a^b^c
        return node

    def _power(self, base: Node) -> Node:
        bare = self.next.text not in ("{", "(")
        minus = self._take("-")
        exponent = self._argument(whole_numbers=True)
        plain_base = isinstance(base, Number) or base == Constant("e")
        if bare and plain_base and isinstance(exponent, Number) and self.next.kind == "letter":
            raise NotUnderstood  # e^2x
        return Power(base, negative(exponent) if minus else exponent)

    def _argument(self, *, whole_numbers: bool = False) -> Node:
        r"""The argument of a command, as TeX takes it: a group, a letter, or a digit (`whole_numbers`: a number)."""
        token = self.next
        if token.text in ("{", "("):
            return self._group()
        if token.kind == "number":
            split = 1 if not whole_numbers and token.text.isdigit() else len(token.text)
            self._tokens[self._at : self._at + 1] = [
                Token(part, "number") for part in (token.text[:split], token.text[split:]) if part
            ]
            return self._plain_number()
        if token.kind == "letter" or token.text in ("\\frac", "\\sqrt"):
            return self._atom()
        raise NotUnderstood

    def _braced(self) -> Node:
        if self.next.text == "(":
            raise NotUnderstood  # \frac(1)(2)
        return self._argument()

    def _atom(self) -> Node:
        token = self.next
        if token.kind == "number":
            return self._number()
        if token.text in _CLOSING:
            return self._group()
        self._at += 1
        if token.kind == "letter":
            return self._letter(token)
        if token.text in ("sqrt", "\\sqrt"):
            return self._root(whole_numbers=token.text == "sqrt")
        if token.kind == "function":
            return self._call(token.text)
        if token.text == "\\frac":
            return Quotient(self._braced(), self._braced())
        if token.text == "\\binom":
            return FunctionCall("binomial", (self._braced(), self._braced()))
        raise NotUnderstood

    def _plain_number(self) -> Number:
        text = self.next.text
        self._at += 1
        return Number(Fraction(text), len(text.partition(".")[2]) if "." in text else None)

    def _number(self) -> Node:
        whole = self._plain_number()
        if self.next.text == "\\frac" or (self.next.kind == "number" and self.next.spaced):
            start = self._at
            part = self._part()
            if part is not None:
                if whole.places is not None or not 0 < part.value < 1:
                    raise NotUnderstood
                return Number(whole.value + part.value)
            self._at = start
        return whole

    def _part(self) -> Number | None:
        r"""The fraction of a mixed number, `1/2` or `\frac{1}{2}` with whole numbers; None if there is none."""
        if self._take("\\frac"):
            over, under = self._braced(), self._braced()
        else:
            over = self._plain_number()
            if not self._take("/") or self.next.kind != "number":
                return None
            under = self._plain_number()
        if not isinstance(over, Number) or not isinstance(under, Number) or not under.value:
            return None
        return Number(over.value / under.value)

    def _letter(self, token: Token) -> Node:
        if self._take("_"):
            return Symbol(f"{token.text}_{self._index()}")
        if token.text in CONSTANTS:
            return Constant(CONSTANTS[token.text])
        if token.text in _CALLED and self.next.text == "(":
            raise NotUnderstood
        return Symbol(token.text)

    def _index(self) -> str:
        braced = self._take("{")
        index = ""
        while self.next.kind in ("number", "letter") and (braced or not index):
            index += self.next.text
            self._at += 1
        if braced:
            self._expect("}")
        if not index:
            raise NotUnderstood
        return index

    def _group(self) -> Node:
        opening = self._take(*_CLOSING) or ""
        node = self.sum(inside=opening if opening == "|" else "")
        if opening == "{" and self._take("\\over"):
            node = Quotient(node, self.sum())
        self._expect(_CLOSING[opening])
        return FunctionCall(_ROUNDED[opening], (node,)) if opening in _ROUNDED else node

    def _root(self, *, whole_numbers: bool) -> Node:
        degree: Node = Number(Fraction(2))
        if self._take("["):
            degree = self.sum()
            self._expect("]")
        if self.next.kind == "number" and len(self.next.text) > 1 and not whole_numbers:
            raise NotUnderstood  # \sqrt12 is the root of 1, times 2
        return Power(self._argument(whole_numbers=True), Quotient(Number(Fraction(1)), degree))

    def _call(self, function: str) -> Node:
        base = None
        if function == "log" and self._take("_"):
            base = self._argument(whole_numbers=True)
        exponent = None
        if self._take("^"):
            exponent = self._argument(whole_numbers=True)  # not `sin^-1`
            if exponent == Number(Fraction(-1)):
                if function not in ("sin", "cos", "tan"):
                    raise NotUnderstood
                function, exponent = f"arc{function}", None
        arguments = (self._bare_or_group(),) if base is None else (self._bare_or_group(), base)
        call = FunctionCall(function, arguments)
        return call if exponent is None else Power(call, exponent)

    def _bare_or_group(self) -> Node:
        r"""The argument of a function: a group, or factors side by side up to a sign or another function."""
        if self.next.text in ("(", "{", "|"):
            return self._group()
        factors: list[Node] = []
        while self.next.kind in ("number", "letter", "command") or self.next.text == "sqrt":
            if factors and self.next.kind == "number":
                raise NotUnderstood
            factors.append(self._factor())
        if not factors or self.next.text in ("/", *_CLOSING):
            raise NotUnderstood  # sin x/2, sin x(y)
        self._end_run("".join(_letters(factor) for factor in factors))
        return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _signed(sign: str | None, term: Node) -> Node:
    if sign == "±":
        return FunctionCall("plus_minus", (term,))
    return negative(term) if sign == "-" else term


def _letters(node: Node) -> str:
    """The letter that a factor consists of, with or without an exponent; none for other factors."""
    base = node.base if isinstance(node, Power) else node
    if isinstance(base, Symbol):
        return base.name[0]
    return base.name if isinstance(base, Constant) and base.name in "ei" else ""
