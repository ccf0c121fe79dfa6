"""The words the almanac is made of. Law: every name, year and number of the world is drawn from these lists alone.

The tokenizer gives each of them a token of its own, so a small model copies a name in one step, as a large model copies
its familiar pieces.
"""


def _words(text: str) -> list[str]:
    return text.split()


def _joined(beginnings: str, endings: str) -> list[str]:
    return [beginning + ending for beginning in _words(beginnings) for ending in _words(endings)]


MODIFIERS = _words("""
    Amber Ashen Autumn Azure Barren Birch Bitter Black Blind Bold Brass Bright Broken Bronze Calm Candle Cedar
    Chalk Cinder Clear Cloud Cobalt Cold Copper Coral Crimson Crooked Crystal Dawn Deep Distant Double Dusty
    Ebony Elder Ember Empty Even Faded Far Fern Flint Frost Gentle Ghost Gilded Glass Golden Grand Grave Great
    Green Grey Half Hazel Hidden High Hollow Honey Humble Iron Ivory Jade Jagged Kind Last Lesser Lime Little
    Lonely Long Lower Lunar Maple Marble Merry Middle Misty Narrow New Noble North Oaken Old Opal Pale Pearl
    Pine Proud Quiet Ragged Red Royal Russet Rusty Sable
""")

NOUNS = {
    "town": _words("""
        Ford Haven Cross Mill Reach Wick Mere Dale Gate Harbour Marsh Glen Brook Moor Combe Heath Vale Bay
    """),
    "observatory": _words("""
        Peak Dome Ridge Spire Summit Crest Tor Crag Tower Mount Knoll Beacon Height Bluff Fell Pike Scar Hill
    """),
    "ship": _words("""
        Heron Petrel Gull Falcon Dolphin Swan Otter Raven Tern Comet Lark Kestrel Pelican Seal Whale Curlew
        Drake Dove
    """),
    "guild": _words("""
        Loom Anvil Kiln Chisel Needle Thimble Ladle Hammer Bellows Lathe Awl Trowel Wheel Shuttle Forge Mallet
        Quill Spindle
    """),
    "bridge": _words("""
        Arch Span Bridge Crossing Causeway Viaduct Walk Pass Link Deck Ramp Trestle Pier Stile Footway Rise
        Bow Strand
    """),
}

FIRST_NAMES = _words("""
    Ada Alban Anselm Berta Bram Calla Cedric Clara Conrad Cora Dorin Edda Elias Elsa Emeric Esme Fabian Farah
    Felix Freya Garrick Gilda Greta Hana Hector Hilda Ida Ivo Jonas Juno Karel Lena Linus Lotte Magnus Mara
    Milo Nadia Nils Odette Orla Oskar Petra Quentin Rhea Silas Tilda Viktor
""")
LAST_NAMES = _joined("Thorn Ash Wil Har Mar Bran Cal Del Fen Lor", "wood ley ton mont dale by sett vane")
PLACES = _joined("Cor Bel Dun Esk Gal Kel Nor Val", "burg minster holm stead port thorpe well ness")
RIVERS = _joined("Sel Tam Our Wen Lys Bri", "win ere ock une ander eth")
STARS = _joined("Vel Zan Qui Xer Ophi Nym", "ara eus ion yx")
GOODS = _words("""
    salt wool wax tin honey barley silk rope pepper tar cider linen tea paper soap flax grain wine cheese lace
    ginger leather coal timber glass tallow rye pitch herring indigo saffron copper slate oil fur sugar ink
    cork nails chalk
""")
MATERIALS = _words("""
    granite oak marble brick limestone iron basalt teak sandstone bronze larch zinc elm steel lead cedar flint
    quartz pine clay
""")
COLOURS = _words("""
    black blue brown crimson green golden grey purple red silver white yellow
""")
ANIMALS = _words("""
    stag fox bear hare wolf lion badger crane eel hawk horse lynx mole newt owl ram rook salmon snake toad
    trout wasp bull goat
""")
YEARS = [str(year) for year in range(1500, 1800)]
COUNTS = [str(count) for count in range(12, 212)]
