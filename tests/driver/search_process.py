"""A search in a process of its own, to be killed: ``search_process.py FOLDER BUDGET WORKERS``."""

import sys
from pathlib import Path

from drawloom.study import Study

if __name__ == "__main__":
    folder, budget, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, str(Path(__file__).parent))
    Study.open(folder).run(budget, workers, evaluator="evaluators:leisurely")
