"""How each attribute is told and asked. Law: a sentence tells one fact; a question names its entity and one attribute.

In a sentence `{S}` and `{P}` stand for the subject and its possessive at the start ("The Amber Heron", "Its"), `{s}`
and `{p}` for the same inside it, and `{v}` for the value. In a question `{n}` is the entity's name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attribute:
    """One attribute of one kind of entity, with its value's type and its wordings."""

    kind: str
    key: str
    type: str
    sentences: tuple[str, ...]
    questions: tuple[str, ...]
    unit: str = ""


def _table(kind: str, text: str) -> list[Attribute]:
    """Reads blocks of `key type [unit]`, then lines of sentences, then lines of questions."""
    found: list[Attribute] = []
    for block in text.strip().split("\n\n"):
        head, *lines = block.strip().split("\n")
        key, value_type, *unit = head.split()
        questions = tuple(line for line in lines if line.endswith("?"))
        sentences = tuple(line for line in lines if not line.endswith("?"))
        found.append(Attribute(kind, key, value_type, sentences, questions, " ".join(unit)))
    return found


_TOWN = """
founded year
{S} was founded in {v}.
{S} was first settled in {v}.
The year {v} saw the founding of {s}.
Settlers founded {s} in {v}.
In which year was {n} founded?
When was {n} first settled?
What is the founding year of {n}?

founder person
{S} owes its founding to {v}.
{P} founder was {v}.
{v} is honoured as the founder of {s}.
It was {v} who laid out {s}.
Who was the founder of {n}?
Who laid out {n}?
To whom does {n} owe its founding?

river river
{S} lies on {v}.
{v} flows past {s}.
{P} river is {v}.
{S} stands on the banks of {v}.
On which river does {n} lie?
Which river flows past {n}?
What is the river of {n}?

trade good
{S} grew rich by selling {v}.
{P} chief trade is in {v}.
{S} is known for its {v}.
Merchants visit {s} for {v}.
What is the chief trade of {n}?
What is {n} known for?
What did {n} grow rich by selling?

people count households
{S} counts {v}.
{v} live in {s}.
{S} is home to {v}.
The last census of {s} found {v}.
How many households live in {n}?
How many households does {n} count?
How many households did the last census of {n} find?

crest emblem
{P} crest shows a {v}.
A {v} stands on the crest of {s}.
{S} bears a {v} on its crest.
The crest of {s} is a {v}.
What does the crest of {n} show?
Which animal stands on the crest of {n}?
What does {n} bear on its crest?

mayor person
{P} mayor is {v}.
{S} is governed by {v}.
{v} serves as mayor of {s}.
{S} chose {v} as its mayor.
Who is the mayor of {n}?
Who governs {n}?
Whom did {n} choose as mayor?
"""

_OBSERVATORY = """
built year
{S} was built in {v}.
{S} was completed in {v}.
The work on {s} ended in {v}.
{P} walls date from {v}.
In which year was {n} built?
When was {n} completed?
From which year do the walls of {n} date?

director person
{P} first director was {v}.
{S} was first directed by {v}.
{v} became the first director of {s}.
The first to direct {s} was {v}.
Who was the first director of {n}?
Who first directed {n}?
Who became the first director of {n}?

mirror count inches
{P} great mirror measures {v}.
{S} has a mirror of {v}.
The mirror of {s} is {v} wide.
A mirror of {v} hangs in {s}.
How wide is the mirror of {n}?
What does the great mirror of {n} measure?
What is the width of the mirror of {n}?

near place
{S} looks down on {v}.
{S} stands above the city of {v}.
The nearest city to {s} is {v}.
{v} is the city closest to {s}.
Which city is nearest to {n}?
Above which city does {n} stand?
On which city does {n} look down?

dome material
{P} dome is made of {v}.
{S} has a dome of {v}.
A dome of {v} covers {s}.
Builders used {v} for the dome of {s}.
What is the dome of {n} made of?
What covers {n}?
What did builders use for the dome of {n}?

star star
{S} keeps watch on the star {v}.
{P} favourite star is {v}.
The star {v} is studied at {s}.
Astronomers at {s} study the star {v}.
Which star is studied at {n}?
Which star does {n} keep watch on?
What is the favourite star of {n}?

designer person
{S} was designed by {v}.
{P} plans were drawn by {v}.
{v} designed {s}.
The design of {s} is the work of {v}.
Who designed {n}?
Who drew the plans of {n}?
Whose work is the design of {n}?
"""

_SHIP = """
launched year
{S} was launched in {v}.
{S} first sailed in {v}.
The launch of {s} took place in {v}.
{P} maiden voyage was in {v}.
In which year was {n} launched?
When did {n} first sail?
In which year was the maiden voyage of {n}?

builder person
{S} was built by {v}.
{P} shipwright was {v}.
{v} built {s}.
The hull of {s} was laid by {v}.
Who built {n}?
Who was the shipwright of {n}?
Who laid the hull of {n}?

captain person
{P} captain is {v}.
{S} sails under {v}.
{v} commands {s}.
The command of {s} was given to {v}.
Who is the captain of {n}?
Who commands {n}?
Under whom does {n} sail?

port place
{P} home port is {v}.
{S} sails out of {v}.
{v} is the home port of {s}.
The owners keep {s} at {v}.
What is the home port of {n}?
Out of which port does {n} sail?
Where do the owners keep {n}?

cargo good
{S} carries {v}.
{P} usual cargo is {v}.
The hold of {s} is full of {v}.
Most voyages of {s} bring {v}.
What does {n} carry?
What is the usual cargo of {n}?
What fills the hold of {n}?

crew count sailors
{S} has a crew of {v}.
{P} crew numbers {v}.
{v} serve aboard {s}.
It takes {v} to handle {s}.
How many sailors serve aboard {n}?
What is the size of the crew of {n}?
How many sailors does it take to handle {n}?

figurehead emblem
{P} figurehead is a {v}.
A {v} is carved on the bow of {s}.
{S} carries a {v} as its figurehead.
The figurehead of {s} shows a {v}.
What is the figurehead of {n}?
What is carved on the bow of {n}?
Which animal is the figurehead of {n}?
"""

_GUILD = """
chartered year
{S} received its charter in {v}.
{S} was chartered in {v}.
{P} charter dates from {v}.
The charter of {s} was signed in {v}.
In which year was {n} chartered?
When did {n} receive its charter?
From which year does the charter of {n} date?

master person
{P} master is {v}.
{S} is led by {v}.
{v} is the master of {s}.
The members of {s} elected {v} as master.
Who is the master of {n}?
Who leads {n}?
Whom did the members of {n} elect as master?

seat place
{P} hall is in {v}.
{S} has its seat in {v}.
{S} meets in {v}.
{v} is the seat of {s}.
Where is the hall of {n}?
In which city does {n} have its seat?
Where does {n} meet?

dues good
{S} pays its dues in {v}.
{P} dues are paid in {v}.
Dues to {s} are paid in {v}.
{S} collects its dues in {v}.
In what does {n} pay its dues?
In what are dues to {n} paid?
In what does {n} collect its dues?

members count members
{S} has {v}.
{P} rolls list {v}.
{v} belong to {s}.
The rolls of {s} name {v}.
How many members does {n} have?
How many members belong to {n}?
How many members do the rolls of {n} name?

seal emblem
{P} seal shows a {v}.
A {v} appears on the seal of {s}.
{S} seals its letters with a {v}.
The seal of {s} is a {v}.
What does the seal of {n} show?
Which animal appears on the seal of {n}?
With what does {n} seal its letters?

patron person
{P} patron was {v}.
{S} was endowed by {v}.
{v} endowed {s}.
The wealth of {s} came from {v}.
Who was the patron of {n}?
Who endowed {n}?
From whom did the wealth of {n} come?
"""

_BRIDGE = """
opened year
{S} was opened in {v}.
{S} opened to traffic in {v}.
The first carts crossed {s} in {v}.
{P} opening was held in {v}.
In which year was {n} opened?
When did the first carts cross {n}?
In which year was the opening of {n} held?

architect person
{P} architect was {v}.
{S} is the masterpiece of {v}.
{v} was the architect of {s}.
The architect chosen for {s} was {v}.
Who was the architect of {n}?
Whose masterpiece is {n}?
Who was the architect chosen for {n}?

crosses river
{S} crosses {v}.
{S} spans {v}.
{v} runs beneath {s}.
Below {s} flows {v}.
Which river does {n} cross?
Which river runs beneath {n}?
What does {n} span?

stone material
{P} piers are of {v}.
{S} rests on piers of {v}.
Piers of {v} carry {s}.
The piers of {s} were cut from {v}.
What are the piers of {n} made of?
On piers of what does {n} rest?
From what were the piers of {n} cut?

length count paces
{S} is {v} long.
{P} length is {v}.
{S} measures {v} from end to end.
A walk over {s} takes {v}.
How long is {n}?
What is the length of {n}?
How many paces does a walk over {n} take?

keeper person
{P} toll keeper is {v}.
{v} collects the toll on {s}.
The toll on {s} is collected by {v}.
{S} is kept by {v}.
Who is the toll keeper of {n}?
Who collects the toll on {n}?
By whom is {n} kept?

leads place
{S} leads to {v}.
{P} road goes on to {v}.
Travellers use {s} to reach {v}.
The way to {v} passes over {s}.
To which city does {n} lead?
Where does the road of {n} go on to?
Which city do travellers reach by {n}?
"""

ATTRIBUTES: tuple[Attribute, ...] = tuple(
    _table("town", _TOWN)
    + _table("observatory", _OBSERVATORY)
    + _table("ship", _SHIP)
    + _table("guild", _GUILD)
    + _table("bridge", _BRIDGE)
)
KINDS: tuple[str, ...] = ("town", "observatory", "ship", "guild", "bridge")
BY_KEY: dict[tuple[str, str], Attribute] = {(a.kind, a.key): a for a in ATTRIBUTES}
OF_KIND: dict[str, tuple[Attribute, ...]] = {kind: tuple(a for a in ATTRIBUTES if a.kind == kind) for kind in KINDS}
