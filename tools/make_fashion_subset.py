"""Make the balanced Fashion-MNIST subset that ships in `tasks/data/fashion_mnist/`.

    python tools/make_fashion_subset.py ORIGINAL.npz tasks/data/fashion_mnist/fashion_mnist_10k.npz

ORIGINAL.npz holds the whole data set as `x_train` uint8[60000, 28, 28], `y_train` uint8[60000], `x_test`
uint8[10000, 28, 28] and `y_test` uint8[10000], in the order of the published IDX files. The same original
gives the same arrays on every machine: the random stream is that of `numpy.random.RandomState`, which NumPy
keeps frozen.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 2017
CLASSES = 10
PER_CLASS = {"train": 1000, "test": 200}


def balanced_indices(labels: NDArray[np.uint8], per_class: int, seed: int) -> NDArray[np.int64]:
    """Ascending indices of `per_class` examples of every class, drawn without replacement."""
    random = np.random.RandomState(seed)
    drawn = [random.permutation(np.flatnonzero(labels == label))[:per_class] for label in range(CLASSES)]
    if any(len(indices) < per_class for indices in drawn):
        raise SystemExit(f"the original has a class of fewer than {per_class} examples")
    return np.sort(np.concatenate(drawn))


def subset(original: Path) -> dict[str, NDArray[np.uint8]]:
    """The arrays of the subset, with the names of the original."""
    arrays: dict[str, NDArray[np.uint8]] = {}
    with np.load(original, allow_pickle=False) as data:
        for part, per_class in PER_CLASS.items():
            images, labels = data[f"x_{part}"], data[f"y_{part}"]
            indices = balanced_indices(labels, per_class, SEED)
            arrays[f"x_{part}"] = images[indices].astype(np.uint8)
            arrays[f"y_{part}"] = labels[indices].astype(np.uint8)
    return arrays


def main() -> None:
    """Write the subset and print the checksums that belong into ORIGIN.md."""
    parser = argparse.ArgumentParser(description="Make the balanced subset of Fashion-MNIST.")
    parser.add_argument("original", type=Path, help="the whole data set as .npz")
    parser.add_argument("output", type=Path, help="where the subset goes")
    arguments = parser.parse_args()

    arrays = subset(arguments.original)
    np.savez_compressed(arguments.output, allow_pickle=False, **arrays)
    for name, array in arrays.items():
        print(f"{hashlib.sha256(array.tobytes()).hexdigest()}  {name} uint8{list(array.shape)}")
    print(f"{hashlib.sha256(arguments.output.read_bytes()).hexdigest()}  {arguments.output.name}")


if __name__ == "__main__":
    main()
