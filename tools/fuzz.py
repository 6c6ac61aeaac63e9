"""Fuzzes the front end by hand: texts that break it are kept in a folder.

python tools/fuzz.py [--seconds 600] [--seed 0] [--keep fuzz-findings]
"""

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from loom_fuzz import TEXTS, TOKENS, accepts_or_explains, mutated
from rich.progress import track

SLOW = 20.0
"""Seconds after which a text counts as a finding too."""


def text_of(rng: random.Random) -> str:
    """Random bytes, random tokens, or a shipped file with some changes."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(400)).decode("utf-8", errors="replace")
    if kind == 1:
        return " ".join(rng.choices(TOKENS, k=rng.randrange(80)))
    return mutated(rng.choice(sorted(TEXTS.values())), rng.randrange(1, 9), rng.randrange(2**32))


def finding(text: str) -> str | None:
    """What is wrong with how a text is received."""
    start = time.perf_counter()
    try:
        accepts_or_explains(text)
    except Exception:
        return traceback.format_exc()
    taken = time.perf_counter() - start
    return f"took {taken:.1f} s" if taken > SLOW else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    tried = found = 0
    for _ in track(range(arguments.seconds), description="fuzzing"):
        end = time.perf_counter() + 1
        while time.perf_counter() < end:
            text = text_of(rng)
            tried += 1
            wrong = finding(text)
            if wrong is not None:
                found += 1
                arguments.keep.mkdir(exist_ok=True)
                (arguments.keep / f"{tried}.loom").write_text(text, encoding="utf-8")
                (arguments.keep / f"{tried}.txt").write_text(wrong, encoding="utf-8")
    print(f"{tried} texts, {found} findings" + (f" in {arguments.keep}" if found else ""))
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
