"""Feed every target with damage for so long, and say what came of it.

`PYTHONPATH=tests python -m fuzz [--minutes N] [--seed N] [--only NAME] [--corpus FOLDER] [--keep FOLDER]`. What raises
is written to the folder, and the exit status is 1 then.
"""

import argparse
import sys
from pathlib import Path

from .run import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--corpus", type=Path, help="a folder with rfc4475/ and rfc5118/")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args()
    results = fuzz(seconds=given.minutes * 60, seed=given.seed, only=given.only, corpus=given.corpus)
    failed = 0
    for result in results:
        print(f"{result.name:14} {result.inputs:9,} inputs, slowest {1e3 * result.slowest:8.2f} ms", flush=True)
        for number, finding in enumerate(result.findings):
            failed += 1
            given.keep.mkdir(parents=True, exist_ok=True)
            path = given.keep / f"{result.name}-{given.seed}-{number}"
            path.write_bytes(finding.data)
            print(f"  {finding.error}\n  {finding.where}\n  {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
