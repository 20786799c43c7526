"""Some hundred hostile inputs, new ones in each run; `make hostile` gives the commands thousands."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile.campaign import Campaign, plan
from hostile.case import CASES
from hostile.generators import load_all

load_all()
INPUTS = 300  # of all kinds together


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    campaign = Campaign(tmp_path_factory.mktemp("hostile") / "campaign")
    yield campaign
    campaign.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(CASES))
def test_each_ends_with_a_sentence_or_a_result(campaign: Campaign, kind: str) -> None:
    seed = 0 if os.environ.get("CI") == "true" else random.randrange(10**6)
    share = round(INPUTS * len(CASES[kind]) / sum(map(len, CASES.values())))
    outcomes = [campaign.run(case, seed) for case, seed in plan(seed, share, [kind], heavy=False)]
    failed = [outcome.report() for outcome in outcomes if outcome.problems]
    assert not failed, "\n\n".join([f"{len(failed)} of {share} inputs", *failed])


def test_the_same_seed_makes_the_same_input(tmp_path: Path) -> None:
    case = next(case for case in CASES["images"] if case.name == "bytes_after_a_magic_number")

    class NoAssets:
        def predict(self, *images: str) -> list[str]:
            return list(images)

    made = {}
    for run, seed in (("a", "1.0"), ("b", "1.0"), ("c", "1.1")):
        (tmp_path / run).mkdir()
        (name,) = case.make(tmp_path / run, seed, NoAssets()).argv
        made[run] = (name, (tmp_path / run / name).read_bytes())
    assert made["a"] == made["b"] != made["c"]
