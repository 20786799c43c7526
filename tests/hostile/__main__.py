"""`python -m tests.hostile`: run a campaign of hostile inputs and print each failure with what makes it again."""

import argparse
import collections
import multiprocessing
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hostile.campaign import Campaign, Outcome, plan, select
from hostile.case import CASES, Case
from hostile.generators import load_all


def main() -> int:
    load_all()
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--seed", default="0", help="of the inputs; several, separated by commas, run in turn")
    parser.add_argument("--count", type=int, default=300, help="inputs for each seed")
    parser.add_argument(
        "--kind", action="append", default=[], choices=sorted(CASES), help="only these; may be repeated"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--case", help="one case, KIND/NAME, with the seed that a failure printed")
    parser.add_argument("--keep", type=Path, help="folder for the files of failures; made anew")
    parser.add_argument("--list", action="store_true", help="list the cases and what is expected of them")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{case.kind}/{case.name}: {case.expected}" for case in select(options.kind)))
        return 0
    if options.case:
        runs = [(case, options.seed) for case in select() if f"{case.kind}/{case.name}" == options.case]
    else:
        seeds = [int(seed) for seed in options.seed.split(",")]
        runs = [run for seed in seeds for run in plan(seed, options.count, options.kind)]
    if options.keep:
        shutil.rmtree(options.keep, ignore_errors=True)
        options.keep.mkdir(parents=True)
    folder = (options.keep or Path(tempfile.mkdtemp(prefix="hostile_"))).resolve()
    statuses, reasons, failed, peak, slowest = collections.Counter(), collections.Counter(), 0, 0, (0.0, "")
    cpu = 0.0
    with multiprocessing.Pool(options.jobs, _start, [folder]) as pool:
        for number, outcome in enumerate(pool.imap_unordered(_run, runs), start=1):
            statuses[outcome.status] += 1
            cpu += outcome.cpu
            peak, slowest = max(peak, outcome.peak), max(slowest, (outcome.seconds, outcome.name))
            if outcome.status == 0:
                reasons[f"{outcome.name}: {outcome.expected}"] += 1
            if outcome.problems:
                failed += 1
                print(outcome.report(), flush=True)
            if number % 100 == 0:
                print(f"... {number} of {len(runs)} inputs, {failed} failed", flush=True)
    print(f"accepted ({sum(reasons.values())}):")
    print("\n".join(f"  {count:5d}  {reason}" for reason, count in sorted(reasons.items())))
    shares = ", ".join(f"status {status}: {count}" for status, count in sorted(statuses.items()))
    most = f"at most {peak / 2**30:.2f} GB and {slowest[0]:.1f} s ({slowest[1]}), {cpu:.0f} s of CPU in all"
    print(f"{len(runs)} inputs, {failed} failed; {shares}; {most}")
    if not failed:
        shutil.rmtree(folder)
    return int(failed > 0)


def _start(folder: Path) -> None:
    """Give a process of the pool a campaign of its own."""
    global _campaign
    _campaign = Campaign(folder / f"process_{os.getpid()}")


def _run(run: tuple[Case, str]) -> Outcome:
    return _campaign.run(*run)


if __name__ == "__main__":
    sys.exit(main())
