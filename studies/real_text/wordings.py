"""Other words for the same: wordings of a claim that keep its truth, and sentences made of a country's tables.

Law: a wording says no more than the sentence that it is made of. The same draw words a sentence and its spoilt form
alike, so that no wording tells good from bad.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random

from studies.real_text.flaws import MONTHS, NUMBER_WORDS

BEGINNINGS = ("According to the passage, ", "The passage says that ", "It is said that ", "Yes, ", "I read that ",
              "As far as I know, ", "The text states that ", "We learn that ")  # fmt: skip
_SAME = """
began=started|also =|however, =|However, =|approximately=about|located=situated|large=big|largest=biggest|numerous=many
significant=considerable|ended=came to an end|established=set up|prior to=before|due to=because of|nearly=almost
because of=owing to|several=a number of|led to=resulted in|primarily=mainly|mostly=mainly|subsequently=later
conducted=carried out|such as=like|consists of=is made up of|more than=over|km=kilometers|sq km=square kilometers
country=nation|countries=nations|currently=at present|throughout=all over|obtained=got|received=got|is not=isn't
are not=aren't|was not=wasn't|were not=weren't|has not=hasn't|cannot=can't|did not=didn't|is never=is at no time
eventually=in the end|population=number of inhabitants|became=turned into|entire=whole|attempted=tried
assistance=help|responsible for=in charge of|various=different|annually=every year|approximately=roughly
in addition to=besides|built=constructed|contains=holds|includes=comprises|require=need|requires=needs|usually=normally
used=employed|called=named|known as=called|produced=made|occurs=is found|discovered=found|uses=employs|shown=displayed
begins=starts|gives=provides|many=a lot of|often=frequently|small=little|whole=entire|reads=takes in|only=just
"""
SAME = tuple(tuple(pair.split("=")) for pair in _SAME.replace("\n", "|").split("|") if pair)
_TIME_FIRST = re.compile(r"^((?:In|On|By|Since|During|After|Between|From|Until) [^,;]*\d[^,;]*), ([^;]*)\.$")
_DAY = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})\b")
_ASIDE = re.compile(r" \([^()]*\)")
_TAIL = re.compile(r"^(.{40,}?), (?:which|who|where|while|although|including|and the|but) [^;]*\.$")
_LOW = re.compile(r"^(The|A|An|It|Its|In|On|By|Since|During|After|This|These|They|He|She|His|Their|There|"
                  r"As|At|Many|Most|Some|From|Over|About|Several)\b")  # fmt: skip


def worded(sentence: str, rng: Random) -> str:
    """One of the ways to say it: as it is in a third of the draws."""
    said = sentence
    draws, beginning = [rng.random() for _ in range(7)], rng.choice(BEGINNINGS)
    same = rng.sample(SAME, len(SAME) // 2)
    if draws[0] < 1 / 3:
        return said
    if draws[1] < 0.5 and (moved := _TIME_FIRST.match(said)):
        first, rest = moved.groups()
        said = f"{_upper(rest)} {first[0].lower()}{first[1:]}."
    if draws[2] < 0.4:
        said = _ASIDE.sub("", said)
    if draws[3] < 0.4 and (tail := _TAIL.match(said)):
        said = f"{tail[1]}."
    said = _DAY.sub(r"\2 \1, \3", said) if draws[4] < 0.5 else said
    for old, new in same if draws[5] < 0.7 else ():
        said = re.sub(rf"(?<!\w){re.escape(old)}" + ("" if old[-1] == " " else r"(?!\w)"), new, said, count=1)
    said = _respelt(said) if draws[5] < 0.35 else said
    if draws[6] < 0.25:
        said = beginning + (said[0].lower() + said[1:] if _LOW.match(said) else said)
    return _upper(said)


def _respelt(said: str) -> str:
    """Small numbers: words as figures."""
    for value, word in enumerate(NUMBER_WORDS, 2):
        said = re.sub(rf"\b{word}\b", str(value), said)
    return said.replace(" percent", "%")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


FACTS: Mapping[str, Sequence[str]] = {
    "capital": ("The capital of {c} is {v}.", "{v} is the capital of {c}.", "{c} has its capital at {v}.",
                "{c} is governed from {v}."),
    "population": ("{c} has a population of {v}.", "About {v} people live in {c}.", "{c} is home to {v} people.",
                   "The inhabitants of {c} number {v}."),
    "area": ("The area of {c} is {v}.", "{c} covers {v}.", "{c} has a surface of {v}."),
    "coastline": ("The coastline of {c} is {v} long.", "{c} has {v} of coast.", "The shores of {c} measure {v}."),
    "independence": ("{c} became independent on {v}.", "On {v}, {c} gained its independence.",
                     "The independence of {c} dates from {v}.", "{c} has been independent since {v}."),
    "chief": ("{v} is the head of state of {c}.", "The chief of state of {c} is {v}.", "{c}'s head of state is {v}."),
    "government": ("{v} heads the government of {c}.", "The head of government of {c} is {v}.",
                   "The government of {c} is led by {v}."),
    "highest": ("The highest point of {c} is {v}.", "No place in {c} is higher than {v}.", "{c} rises highest at {v}."),
    "location": ("{c} lies in {v}.", "{c} is a part of {v}.", "One finds {c} in {v}."),
    "airports": ("{c} has {v} airports.", "There are {v} airports in {c}.", "The airports of {c} number {v}."),
    "life": ("Life expectancy in {c} is {v} years.", "In {c}, people live for {v} years on average.",
             "A newborn in {c} may expect to live {v} years."),
    "holiday": ("The national holiday of {c} is {v}.", "{c} celebrates {v} as its national holiday.",
                "{v} is {c}'s national holiday."),
    "exports": ("Among the exports of {c} are {v}.", "{c} exports {v}.", "{c} sells {v} abroad."),
    "industries": ("The industries of {c} include {v}.", "{v} are industries of {c}.",
                   "{c} has industries such as {v}."),
}  # fmt: skip
"""Of each field, the sentences that say it: {c} is the country, {v} the value."""


def value(field: str, text: str) -> str | None:
    """What a sentence says of a field; None where the table has nothing that fits in one."""
    plain = re.split(r"[;(]", text)[0].strip()
    match field:
        case "independence":
            found = _DAY.match(plain)
            return found[0] if found else None
        case "location":
            return plain.split(",")[0]
        case "exports" | "industries":
            items = [item.strip() for item in plain.split(",") if item.strip()]
            return f"{items[0]} and {items[1]}" if len(items) > 1 and " and " not in items[0] + items[1] else None
        case "life":
            found = re.match(r"[\d.]+(?= years)", plain)
            return found[0] if found else None
        case "population" | "airports":
            return plain if re.fullmatch(r"[\d,]+", plain) else None
        case "area" | "coastline":
            return plain.replace("sq km", "square kilometers").replace(" km", " kilometers")
        case "highest":
            return re.sub(r",? -?[\d,.]+ m\b.*", "", plain) if plain[:1].isupper() else None
        case _:
            return plain.split(",")[0] or None
