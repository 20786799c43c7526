"""`python -m tests.kills`: kill trainings at random moments, resume them, and compare them with one never killed."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kills.campaign import Campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument("--count", type=int, default=40, help="how many trainings are killed")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1, help="of each training, joined by gloo")
    parser.add_argument("--keep", type=Path, help="folder for what the trainings write; else a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills_") as scratch:
        folder = (options.keep or Path(scratch)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        campaign = Campaign(folder, options.processes)
        kills = failed = 0
        for trial in campaign.trials(options.seed, options.count):
            kills += len(trial.kills)
            failed += bool(trial.problems)
            print("FAILED" if trial.problems else "equal ", trial.name, *trial.kills, flush=True)
            for problem in trial.problems:
                print(f"    {problem}", flush=True)
        campaign.close()
    print(f"{options.count} trainings, {kills} kills: {options.count - failed} ended equal, {failed} did not")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
