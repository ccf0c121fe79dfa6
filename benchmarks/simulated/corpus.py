"""Fact sheets: passages of about 120 words on one invented subject, in which nearly every sentence states a number or a
name, so that a claim about it can be checked."""

from random import Random

from msgspec import Struct

FIRST = (
    "Mara",
    "Tobias",
    "Ines",
    "Henrik",
    "Odile",
    "Casper",
    "Ruth",
    "Anselm",
    "Petra",
    "Lionel",
    "Greta",
    "Samir",
    "Beatrix",
    "Oren",
    "Wilma",
    "Jonas",
    "Farida",
    "Edwin",
    "Nadia",
    "Felix",
)
LAST = (
    "Lindqvist",
    "Okafor",
    "Marchetti",
    "Vance",
    "Durand",
    "Pell",
    "Sorensen",
    "Ibarra",
    "Whitlock",
    "Novak",
    "Castellan",
    "Tremblay",
    "Ashworth",
    "Kimura",
    "Brandt",
    "Osei",
    "Fontaine",
    "Greer",
)
HEAD = (
    "Harrow",
    "Silver",
    "Copper",
    "Winter",
    "Marsh",
    "Stone",
    "Raven",
    "Linden",
    "Falcon",
    "Amber",
    "Juniper",
    "Salt",
    "Heron",
    "Cinder",
    "Maple",
    "Thistle",
    "Granite",
    "Willow",
    "Orchid",
    "Bracken",
)
TAIL = ("ford", "wick", "haven", "mere", "dale", "stead", "combe", "holm", "bury", "crest", "brook", "gate")

SHEETS: dict[str, tuple[str, ...]] = {
    "Bridge": (
        "{name} crosses the {river} River at {town} and carries {n100} vehicles on an average weekday.",
        "The main span measures {n3} metres, and the deck stands {n2} metres above the water at low tide.",
        "Work began in {y0} under the engineer {person}, who had earlier built two smaller crossings in {town2}.",
        "The structure opened to traffic in {y1} after a delay of {n1} months caused by flooding.",
        "Its towers hold {n3b} steel cables, each of which is inspected every {n1b} years.",
        "The total cost came to {m} million crowns, of which the town council of {town} paid a third.",
        "A storm in {y2} damaged the eastern approach and closed the road for {n1c} weeks.",
        "Repairs were led by {person2} and used {n100b} tonnes of new concrete.",
        "Since {y3} a toll of {n1d} crowns has been charged to lorries, while cyclists cross free.",
    ),
    "Observatory": (
        "{name} Observatory stands on a ridge near {town} at a height of {n100} metres above the sea.",
        "It was founded in {y0} by the astronomer {person}, who gave {m} million crowns towards the first dome.",
        "The largest telescope has a mirror {n2} inches across and was installed in {y1}.",
        "A staff of {n2b} people works at the site, joined each summer by {n1} visiting students.",
        "In {y2} the astronomer {person2} used the instrument to catalogue {n100b} variable stars.",
        "The sky is clear enough for useful work on about {n3} nights in each year.",
        "Street lighting in {town2} was shielded in {y3} to keep the ridge dark.",
        "Public evenings are held {n1b} times a month and admit up to {n2c} guests.",
        "The archive keeps {n100c} glass plates, the oldest of them exposed in {y0}.",
    ),
    "Museum": (
        "The {name} Museum in {town} holds {n100} objects connected with the history of glassmaking.",
        "It occupies a former mill on the {river} River that was built in {y0} and closed in {y1}.",
        "The collector {person} bequeathed {n3} pieces to the town on condition that entry stay free on Sundays.",
        "The galleries reopened in {y2} after building work that lasted {n1} years and cost {m} million crowns.",
        "Its director, {person2}, was appointed in {y3} and previously ran a gallery in {town2}.",
        "Around {n100b} people visit in a typical year, and school groups make up {n2} percent of them.",
        "The oldest item on display is a green bottle about {n3b} years old, found near {town2}.",
        "A furnace in the courtyard is lit {n1b} days a week for demonstrations.",
        "The reading room lends none of its {n100c} volumes but copies pages for {n1c} crowns each.",
    ),
    "Railway": (
        "The {name} Railway runs for {n2} kilometres between {town} and {town2} along the {river} valley.",
        "It was surveyed by {person} in {y0} and carried its first passengers in {y1}.",
        "The line climbs {n3} metres through {n1} tunnels, the longest of which is {n100} metres long.",
        "At its height the company employed {n100b} men and owned {n2b} locomotives.",
        "Passenger service ended in {y2}, but a society led by {person2} bought the track for {m} million crowns.",
        "Volunteers relaid {n2c} kilometres of rail and reopened the upper section in {y3}.",
        "Trains now run on {n3b} days a year and reach a top speed of {n1b} kilometres an hour.",
        "The station building at {town} dates from {y1} and keeps its original clock.",
        "Tickets cost {n1c} crowns, and the journey takes {n2d} minutes in each direction.",
    ),
    "Orchard": (
        "{name} Orchard covers {n3} hectares on the south bank of the {river} River near {town}.",
        "The first {n100} trees were planted in {y0} by {person}, a grower from {town2}.",
        "Apples make up {n2} percent of the crop, and pears and quinces the remainder.",
        "A late frost in {y1} destroyed {n2b} percent of the blossom, the worst loss on record.",
        "The press house, finished in {y2}, turns out {n100b} litres of juice on a busy day.",
        "Its manager, {person2}, introduced {n2c} beehives and cut spraying by half within {n1} years.",
        "Harvest lasts {n1b} weeks and needs about {n2d} seasonal pickers.",
        "The estate was sold in {y3} for {m} million crowns to a cooperative of local families.",
        "Visitors may walk a marked path {n1c} kilometres long between April and October.",
    ),
    "Lighthouse": (
        "{name} Light marks the mouth of the {river} River, {n2} kilometres north of {town}.",
        "The tower is {n2b} metres tall and was completed in {y0} to plans by {person}.",
        "Its lamp first burned whale oil and was converted to electricity in {y1}.",
        "The beam can be seen from {n2c} kilometres away and flashes {n1} times a minute.",
        "Before the light was built, {n3} ships were lost on the reef between {town} and {town2}.",
        "The last keeper, {person2}, left in {y2} after serving for {n1b} years.",
        "A flight of {n3b} steps leads to the gallery, which is open on {n2d} days each summer.",
        "Restoration in {y3} cost {m} million crowns and replaced {n100} bricks.",
        "The fog signal sounds every {n1c} seconds and is tested on the first Monday of the month.",
    ),
}


class FactSheet(Struct, frozen=True):
    """A document of one passage."""

    id: str
    text: str


def fact_sheet(seed: int, index: int) -> FactSheet:
    """The sheet of that number, the same whatever the size of the corpus."""
    random = Random(f"{seed}:{index}")
    subject = random.choice(sorted(SHEETS))

    def place() -> str:
        return random.choice(HEAD) + random.choice(TAIL)

    def person() -> str:
        return f"{random.choice(FIRST)} {random.choice(LAST)}"

    years = sorted(random.sample(range(1840, 2020), 4))
    words: dict[str, object] = {
        "name": place() + (" Bridge" if subject == "Bridge" else ""),
        "river": place(),
        "town": place(),
        "town2": place(),
        "person": person(),
        "person2": person(),
        "m": random.randint(2, 480),
    }
    words |= {f"y{at}": year for at, year in enumerate(years)}
    words |= {f"n1{mark}": random.randint(3, 29) for mark in ("", "b", "c", "d")}
    words |= {f"n2{mark}": random.randint(30, 98) for mark in ("", "b", "c", "d")}
    words |= {f"n3{mark}": random.randint(101, 940) for mark in ("", "b")}
    words |= {f"n100{mark}": f"{random.randint(1001, 48999):,}" for mark in ("", "b", "c")}
    lines = list(SHEETS[subject])
    body = lines[:1] + random.sample(lines[1:], len(lines) - 2)
    return FactSheet(f"sheet-{index:05d}", " ".join(line.format(**words) for line in body))
