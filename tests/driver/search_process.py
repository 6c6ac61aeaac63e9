"""A search in a process of its own, to be killed: ``search_process.py FOLDER WORKERS EVALUATOR``."""

import sys
from pathlib import Path

from drawloom.study import Study

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    Study.open(sys.argv[1]).run(workers=int(sys.argv[2]), evaluator=f"evaluators:{sys.argv[3]}")
