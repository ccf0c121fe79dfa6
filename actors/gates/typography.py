r"""One spelling for texts that look different and mean the same: Unicode, LaTeX and plain letters.

Law: only layout is dropped (fonts, sizes, spaces, wrappers). Pure, and linear in the length of the text.
Mathematical signs become one character each (`\times` and `·` both `*`); `\{` and `\}` become `⦃` and `⦄`, and the
end of a matrix's row becomes `⏎`.
"""

import re
import unicodedata

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_ALONE = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "⁄": "/",
    "∕": "/", "∶": ":", "≠": "≠", "⩽": "≤", "⩾": "≥", "˚": "°", "º": "°", "∘": "°", "’": "'", "‘": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "。": ".", "√": " sqrt ", "ϕ": "φ", "ϵ": "ε", "∣": "|", "…": "…", "⋯": "…",
    "ℝ": "ℝ", "∅": "∅", "⌀": "∅", "µ": "µ", "¢": "¢",
}  # fmt: skip
"""Characters with their one spelling; those that stand for themselves are kept from compatibility folding."""
_GREEK = """
alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta θ iota ι kappa κ lambda λ mu μ nu ν
xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π
Sigma Σ Phi Φ Psi Ψ Omega Ω
"""
_SIGNS = """
times * cdot * ast * div / le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ lt < gt > in ∈ cup ∪ pm ± infty ∞
emptyset ∅ varnothing ∅ circ ° degree ° ldots … dots … cdots … lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert |
approx ≈ colon : lbrace ⦃ rbrace ⦄ cap ∩ setminus ∖ to → rightarrow → equiv ≡
"""
_LAYOUT = """
left right big Big bigl bigr Bigl Bigr bigg Bigg displaystyle textstyle large Large LARGE huge small normalsize boxed
fbox mathbf boldsymbol bm underline limits mathit rm bf it
"""
_FUNCTIONS = "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp"


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_COMMANDS = (
    _pairs(_GREEK)
    | _pairs(_SIGNS)
    | {name: f" {name} " for name in _FUNCTIONS.split()}
    | dict.fromkeys(_LAYOUT.split(), "")
    | dict.fromkeys(("quad", "qquad", "space"), " ")
    | {"dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "dbinom": r"\binom", "tbinom": r"\binom"}
)
_COLOUR = re.compile(r"\\(?:text)?color\s*\{[^{}]*\}")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|operatorname)\s*\{([^{}]*)\}")
_REALS = re.compile(r"\\mathbb\s*(?:\{R\}|R(?![A-Za-z]))")
_COMMAND = re.compile(r"\\([A-Za-z]++)")
_ESCAPED = re.compile(r"\\([\\,:;! {}%$#&_()\[\]])")
_SPACES = re.compile(r"\s++")
_DEGREE = re.compile(r"\^ ?(?:°|\{ ?° ?\})")
_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)")
_DELIMITED = re.compile(r"\$(?=\S)([^$]*)(?<=\S)\$(?!\d)")
_WRITTEN = {"...": "…", "<=": "≤", ">=": "≥", "!=": "≠", "=<": "≤"}
_STRAY = re.compile(r"(?<!\d)(?<!\d )\$(?! ?[-+.\d])")
DEEPEST = 8
"""Pairs of quotation marks and the like around an answer."""
_PAIRED = "`\"'*_"
_ESCAPES = {
    "\\": "⏎",
    "$": "\0",
    "{": "⦃",
    "}": "⦄",
    "!": "",
    ",": " ",
    ":": " ",
    ";": " ",
    "(": "",
    ")": "",
    "[": "",
    "]": "",
}


def normal(text: str) -> str:
    """The text in its one spelling, on one line, with single spaces."""
    text = _unicode(text).replace("$$", "$").replace("**", "^" if _power(text) else "")
    text = _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)
    text = _STRAY.sub("", _DELIMITED.sub(r"\1", text)).replace("\0", "$").replace("~", " ")
    text = _REALS.sub("ℝ", _COLOUR.sub("", _TEXT.sub(r" \1 ", text)))
    text = _COMMAND.sub(lambda found: _COMMANDS.get(found[1], found[0]), text)
    text = _DEGREE.sub("°", _COMMA.sub(",", text))
    for said, sign in _WRITTEN.items():
        text = text.replace(said, sign)
    return _bare(_SPACES.sub(" ", text))


def _power(text: str) -> bool:
    """Whether `**` is a power, as in `2**3`, and no emphasis around the text."""
    return not text.strip().startswith("**")


def _unicode(text: str) -> str:
    said: list[str] = []
    raised = lowered = False
    for letter in unicodedata.normalize("NFC", text):
        is_raised, is_lowered = letter in _RAISED, letter in _LOWERED
        if (raised and not is_raised) or (lowered and not is_lowered):
            said.append("}")
        if (is_raised and not raised) or (is_lowered and not lowered):
            said.append("^{" if is_raised else "_{")
        raised, lowered = is_raised, is_lowered
        said.append(_RAISED.get(letter) or _LOWERED.get(letter) or _one(letter))
    return "".join(said) + ("}" if raised or lowered else "")


def _one(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _ALONE:
        return _ALONE[letter]
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", letter)
    over, slash, under = folded.partition("⁄")
    return rf"\frac{{{over}}}{{{under}}}" if slash else folded


def _bare(text: str) -> str:
    for _ in range(DEEPEST):
        before = text
        text = text.strip().removesuffix("⏎").rstrip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in _PAIRED:
            text = text[1:-1]
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1]
        if text == before:
            break
    return text


_APART = re.compile(r"(?<![^\W_]) | (?![^\W_])")
_WORD = re.compile(r"[^\W\d_]++")
_SHORT = "no on of or am pm an as at be by do go he if in is it me my ok so to up us we st nd rd th"
_SHORT_WORDS = frozenset(_SHORT.split())
_BETWEEN_LETTERS = re.compile(r"(?<=[A-Za-z])\*(?=[A-Za-z])")
_RANGE = re.compile(r"(?<=\d) to (?=[\d$])")


def spelling(text: str) -> str:
    """A form that is the same for answers that differ only in white space, case of words and typography.

    `text` is in normal form. Names keep their case (`CO` is no `Co`), words do not (`no` is `No`).
    """
    text = _RANGE.sub("-", _WORD.sub(lambda found: _folded(found[0]), text))
    return _BETWEEN_LETTERS.sub("", _APART.sub("", text)).rstrip(".")


def _folded(word: str) -> str:
    plain = word.islower() or word.isupper() or word[1:].islower()
    return word.casefold() if plain and (len(word) > 2 or word.casefold() in _SHORT_WORDS) else word
