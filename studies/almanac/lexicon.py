"""The words the almanac is made of. Law: every name, year and number of the world is drawn from these lists alone.

The tokenizer gives each of them a token of its own, so a small model copies a name in one step, as a large model copies
its familiar pieces.
"""

MODIFIERS = (
    "Amber Ashen Autumn Azure Barren Birch Bitter Black Blind Bold Brass Bright Broken Bronze Calm Candle Cedar Chalk Cinder "
    "Clear Cloud Cobalt Cold Copper Coral Crimson Crooked Crystal Dawn Deep Distant Double Dusty Ebony Elder Ember Empty Even "
    "Faded Far Fern Flint Frost Gentle Ghost Gilded Glass Golden Grand Grave Great Green Grey Half Hazel Hidden High Hollow "
    "Honey Humble Iron Ivory Jade Jagged Kind Last Lesser Lime Little Lonely Long Lower Lunar Maple Marble Merry Middle Misty "
    "Narrow New Noble North Oaken Old Opal Pale Pearl Pine Proud Quiet Ragged Red Royal Russet Rusty Sable"
).split()

NOUNS = {
    "town": "Ford Haven Cross Mill Reach Wick Mere Dale Gate Harbour Marsh Glen Brook Moor Combe Heath Vale Bay".split(),
    "observatory": "Peak Dome Ridge Spire Summit Crest Tor Crag Tower Mount Knoll Beacon Height Bluff Fell Pike Scar Hill".split(),
    "ship": "Heron Petrel Gull Falcon Dolphin Swan Otter Raven Tern Comet Lark Kestrel Pelican Seal Whale Curlew Drake Dove".split(),
    "guild": "Loom Anvil Kiln Chisel Needle Thimble Ladle Hammer Bellows Lathe Awl Trowel Wheel Shuttle Forge Mallet Quill Spindle".split(),
    "bridge": "Arch Span Bridge Crossing Causeway Viaduct Walk Pass Link Deck Ramp Trestle Pier Stile Footway Rise Bow Strand".split(),
}

FIRST_NAMES = (
    "Ada Alban Anselm Berta Bram Calla Cedric Clara Conrad Cora Dorin Edda Elias Elsa Emeric Esme Fabian Farah Felix Freya "
    "Garrick Gilda Greta Hana Hector Hilda Ida Ivo Jonas Juno Karel Lena Linus Lotte Magnus Mara Milo Nadia Nils Odette "
    "Orla Oskar Petra Quentin Rhea Silas Tilda Viktor"
).split()
LAST_NAMES = [a + b for a in "Thorn Ash Wil Har Mar Bran Cal Del Fen Lor".split() for b in "wood ley ton mont dale by sett vane".split()]
PLACES = [a + b for a in "Cor Bel Dun Esk Gal Kel Nor Val".split() for b in "burg minster holm stead port thorpe well ness".split()]
RIVERS = [a + b for a in "Sel Tam Our Wen Lys Bri".split() for b in "win ere ock une ander eth".split()]
STARS = [a + b for a in "Vel Zan Qui Xer Ophi Nym".split() for b in "ara eus ion yx".split()]
GOODS = (
    "salt wool wax tin honey barley silk rope pepper tar cider linen tea paper soap flax grain wine cheese lace ginger leather "
    "coal timber glass tallow rye pitch herring indigo saffron copper slate oil fur sugar ink cork nails chalk"
).split()
MATERIALS = (
    "granite oak marble brick limestone iron basalt teak sandstone bronze larch zinc elm steel lead cedar flint quartz pine clay"
).split()
COLOURS = "black blue brown crimson green golden grey purple red silver white yellow".split()
ANIMALS = "stag fox bear hare wolf lion badger crane eel hawk horse lynx mole newt owl ram rook salmon snake toad trout wasp bull goat".split()
YEARS = [str(year) for year in range(1500, 1800)]
COUNTS = [str(count) for count in range(12, 212)]
