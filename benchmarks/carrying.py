"""What it costs that a quote must carry its claim: `python -m benchmarks.carrying`.

True claims of the almanac, each quoted rightly (the whole sentence, or the value with the words beside it), in the
wordings that judges use: how many does the gate's rule lose? And false ones, quoted with the sentence that a judge would
wrongly take: how many does it catch? Law: the rule is the product's own; what is true is the world's word.
"""

import random

from actors.gates.carrying import carries
from actors.gates.quotes import locate
from studies.almanac.claims import Claim, any_claim
from studies.almanac.exam import exam
