r"""Units of measure, currencies and counted things at the end of an answer, and the words that change a number.

Law: a word that is not known here is no unit. One table of usual names; plurals, powers (`square feet`, `ft^2`) and
quotients (`km per hour`, `m/s^2`) are worked out.
"""

import re
from collections import Counter

_NAMED = """
mm: millimeter millimetre | cm: centimeter centimetre см | dm: decimeter decimetre | m: meter metre | km: kilometer
kilometre км | in: inch inche | ft: foot feet | yd: yard | mi: mile | mg: milligram | g: gram gramme | kg: kilogram
kilo кг | lb: pound lbs | oz: ounce | ton: tonne | ml: milliliter millilitre mL | cl: centiliter | l: liter litre L
| gal: gallon | qt: quart | pt: pint | cup | tsp: teaspoon | tbsp: tablespoon | s: second sec secs | min: minute
mins | h: hour hr hrs | day | week | month | year yr yrs | ms: millisecond | acre | hectare ha | mi/h: mph | km/h:
kph kmh kmph | hz: hertz Hz | kHz | MHz | J: joule | kJ: kilojoule | W: watt | kW: kilowatt | kWh | V: volt | N:
newton | Pa: pascal | kPa | mol: mole | kelvin | dollar: buck USD $ | cent: ¢ | euro: EUR € | GBP: £ | yen: JPY 円 |
yuan: RMB CNY 元 | rupee: INR ₹ | won: KRW ₩ 원 | рубль: рублей рубля руб RUB | °C: celsius | °F: fahrenheit | °:
degree deg | radian: rad | 个 | 人 | 只 | 本 | 名 | 件 | 张 | 块 | 岁 | 개 | 명
"""
_COUNTED = """
unit item piece thing person people student child children man men woman women boy girl friend worker employee player
member team family passenger customer guest teacher apple orange banana egg cookie cake candy candies book page word
letter number digit card coin ball marble toy box boxes bag bottle can plate chair table car bus truck bike train ticket
seat room house floor tree flower plant animal dog cat fish bird chicken cow horse sheep pig duck rabbit sticker stamp
pencil pen crayon shirt shoe hat game point goal vote question problem answer solution way combination permutation
possibilities arrangement path triangle circle side edge vertices face angle diagonal term element divisor integer step
lap trip slice pizza sandwich lunch meal drink glass glasses jar bead brick tile stone rock shell leaf leaves seed pie
donut muffin cupcake burger
"""
"""Things that are counted. No name of a quantity (dozen, pair, half, score) and no operation (times) belongs here."""
_ALIASES: dict[str, str] = {}
for _line in _NAMED.replace("\n", " ").split("|"):
    _name, _, _others = _line.strip().partition(":")
    for _alias in (_name, *_others.split()):
        _ALIASES[_alias] = _name
_ALIASES |= {name: name for name in _COUNTED.split()}
SYMBOLS = {"$": "dollar", "€": "euro", "£": "GBP", "¥": "¥", "₹": "rupee", "₩": "won"}
SYMBOLS |= {"USD": "dollar", "EUR": "euro", "GBP": "GBP"}
"""Currencies before a number; ¥ stands for two currencies, so it keeps its own name."""
_FILLING = frozenset(["total", "altogether", "each"])
SCALES = {
    "dozen": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_CHANGING = """
no not non nor none without except but and or to from between than then if unless either neither versus minus plus
times divided multiplied over under above below beneath beyond negative positive less more fewer most least at
about around approximately nearly almost roughly circa up down off out short before after ago till until through
squared cubed square cube root power factorial modulo mod remainder inverse reciprocal opposite absolute percent
percentage ratio point decimal half halves third quarter fourth fifth sixth seventh eighth ninth tenth eleventh
twelfth twentieth hundredth thousandth millionth billionth zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty
seventy eighty ninety hundred thousand million billion trillion lakh crore mil mill dozen score gross pair couple
trio single double triple quadruple twice thrice once fold first second last next half-dozen base binary octal hex
hexadecimal am pm noon midnight clock bc ad bce ce north south east west loss losses debt deficit owes owed
january february march april may june july august september october november december jan feb mar apr jun jul aug
sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun infinity
infinite infinitely undefined false wrong incorrect
"""
OPERATORS = frozenset(_CHANGING.split())
"""Words that change the number beside them, or make it a name: they are never dropped."""
_WORD = re.compile(r"[^\W\d_]++[.]?|[°¢€£₹₩$]")
_POWER = re.compile(r"\^ ?\{? ?(-?[1-9]) ?\}?")
_SPELLED_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_POWERS_BEHIND = {"squared": 2, "cubed": 3}
_LONGEST = 80
MOST_UNITS = 3
"""The most units side by side, as in `kg m^2`."""


def unit_of(text: str) -> str | None:
    """The usual name of a unit (`square feet` gives `ft^2`, `km per hour` gives `h^-1 km`); None if it is no unit."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    powers: Counter[str] = Counter()
    for at, part in enumerate(re.split(r" ?/ ?| per ", f" {text}")):
        factors = _factors(part.strip())
        if factors is None or (not factors and not (at == 0 and text.startswith("per "))):
            return None
        for name, power in factors:
            powers[name] += power if at == 0 else -power
    return _written(powers)


def _written(powers: Counter[str]) -> str:
    whole: Counter[str] = Counter()
    for name, power in powers.items():
        over, _, under = name.partition("/")
        whole[over] += power
        if under:
            whole[under] -= power
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(whole.items()) if power)


def _factors(text: str) -> list[tuple[str, int]] | None:
    """The units side by side with their powers; None if the text has anything else."""
    found: list[tuple[str, int]] = []
    before, at = 1, 0
    while at < len(text):
        if text[at] in " *":
            at += 1
            continue
        word = _WORD.match(text, at)
        if word is None:
            return None
        name, at = word[0].removesuffix("."), word.end()
        if name == "in" and text[at:].strip() == "total":
            return found
        if name in _SPELLED_POWERS:
            before = _SPELLED_POWERS[name]
        elif name in _POWERS_BEHIND and found:
            found[-1] = (found[-1][0], _POWERS_BEHIND[name])
        elif name.lower() in _FILLING and found:
            continue
        else:
            known = _known(name, text[at:])
            if known is None:
                return None
            unit, used = known
            at += used
            power = _POWER.match(text, at + len(text[at:]) - len(text[at:].lstrip()))
            at = at if power is None else power.end()
            found.append((unit, before if power is None else int(power[1])))
            before = 1
    return found if before == 1 and len(found) <= MOST_UNITS else None


def _known(name: str, rest: str) -> tuple[str, int] | None:
    """The usual name of one word, or of a degree with its scale, and how much of the rest belongs to it."""
    base = _one(name)
    if base == "°":
        scale = re.match(r" ?(C|F|[Cc]elsius|[Ff]ahrenheit)(?![A-Za-z])", rest)
        if scale is not None:
            return f"°{scale[1][0].upper()}", scale.end()
    return None if base is None else (base, 0)


def _one(name: str) -> str | None:
    if name in _ALIASES:
        return _ALIASES[name]
    if len(name) <= 2:
        return None
    lower = name.lower()
    singular = lower.removesuffix("s") if len(lower) > 3 else lower
    return _ALIASES.get(lower) or _ALIASES.get(singular)


def changes_a_number(word: str) -> bool:
    """Whether a word may not be dropped beside a number (`dozen`, `tenths`, `May`)."""
    lower = word.lower()
    return (
        lower in OPERATORS
        or lower.removesuffix("s") in OPERATORS
        or any(part in OPERATORS for part in lower.split("-"))
    )
