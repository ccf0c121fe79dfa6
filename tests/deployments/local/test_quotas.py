"""`stop.accepted_of`: a run with quotas, and what is refused of them."""

from collections import Counter
from pathlib import Path

import pytest

from actors.counts.tally import Tally
from actors.ledger.sqlite import MemoryLedger, SqliteLedger
from deployments.config.load import load_text, to_yaml
from deployments.folder.more import raise_stop
from deployments.local.loop import conduct_in_process
from deployments.terminal.preview import passages_of
from deployments.terminal.screen import Screen
from deployments.terminal.summary import summary_view
from schemas.errors import UserError
from schemas.ledger import AcceptedEnd, PlanEnded, Planned
from schemas.stop import PlanEnd
from tests.deployments.config.test_load import WHOLE, refusal
from tests.deployments.local.test_without_passages import RUN
from tests.doubles.ledgers import Scale, plausible_run

QUOTAS = "stop: {accepted_of: {level: {easy: 3, hard: 5}}}\n"


@pytest.mark.parametrize("shards", [1, 3])
async def test_a_run_ends_with_exactly_its_quotas(shards: int) -> None:
    """Though four of five orders are hard; counts by value are shown."""
    config = load_text(RUN.replace("40", "200") + QUOTAS)
    assert load_text(to_yaml(config)) == config
    ledgers = [MemoryLedger() for _ in range(shards)]
    await conduct_in_process(config, passages_of(config, 200), *ledgers)
    records = [record for ledger in ledgers for record in ledger.kept]
    level = {order.id: order.vary["level"] for each in records if isinstance(each, Planned) for order in each.orders}
    assert Counter(level[each.order_id] for each in records if isinstance(each, AcceptedEnd)) == {"easy": 3, "hard": 5}
    assert {each.why for each in records if isinstance(each, PlanEnded)} == {PlanEnd.ACCEPTED}
    tally = Tally()
    for record in ledgers[0].kept:
        tally.apply(record)
    screen = Screen(width=80)
    with screen.capture() as shown:
        screen.print(summary_view(tally.summary(), Path("runs/a")))
    rows = {line.split()[0]: line.split()[1:] for line in shown.get().splitlines() if line.strip()}
    assert shards > 1 or (rows["easy"][1] == "3" and rows["hard"][1] == "5"), shown.get()


@pytest.mark.parametrize(
    ("stop", "says"),
    [
        ("{accepted_of: {levle: {easy: 3}}}", "stop.accepted_of: there is no variable 'levle'; did you mean 'level'?"),
        ("{accepted_of: {level: {eazy: 3}}}", "stop.accepted_of.level: there is no value 'eazy'; did you mean 'easy'?"),
        ("{accepted: 3, accepted_of: {level: {easy: 3}}}", "leave stop.accepted out"),
        ("{accepted_of: {level: {easy: 3}, topic: {salt: 1}}}", "names 2 variables"),
        ("{accepted_of: {level: {}}}", "stop.accepted_of.level: has 0 values"),
        ("{accepted_of: {level: {easy: 0}}}", "stop.accepted_of.level"),
    ],
)
def test_what_no_order_can_be_is_refused(stop: str, says: str) -> None:
    """With the nearest name."""
    assert says in refusal(f"{RUN}stop: {stop}\n")


def test_a_task_without_variables_has_no_quotas() -> None:
    """Nothing is drawn for its orders."""
    assert "there is no variable 'level'; the task has no task.vary" in refusal(f"{WHOLE}\n{QUOTAS}")


def test_more_of_a_run_with_quotas_is_said_by_its_quotas(tmp_path: Path) -> None:
    """`--more` would not say of which."""
    with SqliteLedger(tmp_path) as ledger:
        ledger.append(list(plausible_run(7, Scale(passages=2))))
    with pytest.raises(UserError, match="its samples have quotas"):
        raise_stop(tmp_path, load_text(RUN + QUOTAS), 5, now=2e9)
