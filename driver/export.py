"""Exports networks: a folder for each, with architecture, weights, ONNX, library, and how to use them.

A folder is written beside its final place and moved there when it is complete; `manifest.json` in it has the
size and SHA-256 of every file, so that a damaged or half-written export is noticed and never taken for a good
one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drawloom.backends.files import folder_written_whole
from drawloom.backends.signature import Port, Signature
from drawloom.ir import DType, Module, UserError, print_module, structural_hash, unknown

if TYPE_CHECKING:
    import numpy.typing as npt

    from drawloom.tasks import Task

    from .study import Study
    from .trial import TrialRecord

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Images:
    """What a network's images must look like, and what its scores stand for.

    Attributes:
        mean: taken off every channel of images from 0 to 1.
        std: by which every channel is divided then.
        labels: of the classes; empty when they are not known.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: Task) -> Images:
        """Those of a task."""
        recipe = task.recipe()
        return cls(recipe.mean, recipe.std, task.labels)


@dataclass(frozen=True)
class Job:
    """One network to export.

    Attributes:
        module: resolved.
        weights: by full name; None for a network without weights yet, of which only the architecture can be
            written.
        target: what libraries are compiled for.
        about: lines for the README: names and texts.
        images: what goes in and comes out.
    """

    module: Module
    weights: Mapping[str, npt.NDArray[Any]] | None
    target: str
    about: Mapping[str, str]
    images: Images = Images()


@dataclass(frozen=True, slots=True)
class Format:
    """A form in which a network can be exported.

    Attributes:
        name: on the command line.
        help: what it is, for the README.
        needs: import names of libraries that writing it takes.
        write: writes its files into a folder.
        use: says how its files are used, for the README, in a line of Markdown, or nothing.
    """

    name: str
    help: str
    needs: tuple[str, ...]
    write: Callable[[Job, Path], None]
    use: Callable[[Job], str] = lambda job: ""

    @property
    def available(self) -> bool:
        """Whether the libraries it needs are installed."""
        return all(find_spec(name) is not None for name in self.needs)


def _write_ir(job: Job, folder: Path) -> None:
    (folder / "network.ir").write_text(print_module(job.module), encoding="utf-8")


def _write_safetensors(job: Job, folder: Path) -> None:
    from drawloom.backends.weights import save_weights

    save_weights(job.module, _weights(job), folder / "weights.safetensors")


def _write_onnx(job: Job, folder: Path) -> None:
    from drawloom.backends.torch import export_onnx

    export_onnx(job.module, _weights(job), folder / "network.onnx")


def _write_torchscript(job: Job, folder: Path) -> None:
    from drawloom.backends.torch import export_torchscript

    export_torchscript(job.module, _weights(job), folder / "network.pt")


def _write_python(job: Job, folder: Path) -> None:
    from drawloom.backends.torch import python_source

    (folder / "network.py").write_text(python_source(job.module, _comment(job)), encoding="utf-8")


def _use_of_python(job: Job) -> str:
    from drawloom.backends.torch import network_class

    name = network_class(job.module)
    load = 'network.load_state_dict(safetensors.torch.load_file("weights.safetensors"))'
    return f"Python: `from network import {name}`, `network = {name}()`, `{load}`, `network.eval()`."


def _use_of_torchscript(job: Job) -> str:
    signature = Signature.of(job.module)
    inputs, outputs = (", ".join(p.name for p in ports) for ports in (signature.inputs, signature.outputs))
    return f'TorchScript: `{outputs} = torch.jit.load("network.pt")({inputs})`.'


def _use_of_library(job: Job) -> str:
    signature = Signature.of(job.module)
    arrays = "image.npy" if signature.classifies_images else _arrays(signature)
    return f"Library: `python run.py [{arrays}]` (needs `apache-tvm`, not Drawloom)."


def _comment(job: Job) -> str:
    """The head of the Python file: what it is and costs, where it comes from, how weights get in."""
    from drawloom import __version__
    from drawloom.passes import price

    prices = price(job.module, [{}])
    parameters, operations = (int(prices[metric][0]) for metric in ("parameters", "multiply_adds"))
    about = "".join(f"{name}: {_plain(text)}.\n" for name, text in job.about.items())
    return (
        f"The network {_plain(job.module.name)}: {parameters:,} parameters, {operations:,} multiply-adds.\n\n"
        f"Written by Drawloom {__version__}; needs PyTorch only.\n{about[:1].upper()}{about[1:]}"
        "Weights that were exported with it:\n\n"
        '    network.load_state_dict(safetensors.torch.load_file("weights.safetensors"))\n'
    )


def _plain(text: str) -> str:
    """A text that cannot end the docstring it stands in."""
    return text.replace("\\", "/").replace('"', "'")


def _write_tvm(job: Job, folder: Path) -> None:
    from drawloom.backends.tvm import compile_network

    library = compile_network(job.module, job.target)
    library.export_library(folder / "library.so", _weights(job))
    signature = Signature.of(job.module)
    if signature.classifies_images:
        script, values = _IMAGES_SCRIPT, _values_for_images(job, signature)
    else:
        script, values = _TENSORS_SCRIPT, _values_for_tensors(signature, library.plan.vocabularies)
    words = re.compile("|".join(rf"\b{word}\b" for word in values))
    text = words.sub(lambda word: repr(values[word[0]]), script)
    (folder / "run.py").write_text(text, encoding="utf-8")


def _values_for_images(job: Job, signature: Signature) -> dict[str, Any]:
    """What stands for the words in capitals in the script for images."""
    (image,), (scores,) = signature.inputs, signature.outputs
    return {
        "INPUT": (1, *image.shape),
        "OUTPUT": (1, *scores.shape),
        "MEAN": [[[value]] for value in job.images.mean],
        "STD": [[[value]] for value in job.images.std],
        "LABELS": job.images.labels,
    }


def _values_for_tensors(signature: Signature, vocabularies: Sequence[int | None]) -> dict[str, Any]:
    """What stands for the words in capitals in the script for tensors of any kind."""
    inputs = zip(signature.inputs, vocabularies, strict=True)
    return {
        "USE": f"run.py [{_arrays(signature)}]",
        "INPUTS": [(port.name, (1, *port.shape), port.element, vocabulary) for port, vocabulary in inputs],
        "OUTPUTS": [(port.name, (1, *port.shape)) for port in signature.outputs],
    }


def _arrays(signature: Signature) -> str:
    """The files that `run.py` takes."""
    return " ".join(f"{port.name}.npy" for port in signature.inputs)


def _weights(job: Job) -> Mapping[str, npt.NDArray[Any]]:
    if job.weights is None:
        raise UserError("this network has no weights yet", "train it, or name a file with --weights")
    return job.weights


_IMAGES_SCRIPT = '''\
"""Classifies an image with the compiled network beside this file: run.py [image.npy]. Needs apache-tvm."""
import pathlib
import sys

import numpy
import tvm

labels = LABELS
network = tvm.runtime.load_module(str(pathlib.Path(__file__).with_name("library.so")))
image = numpy.load(sys.argv[1]) if len(sys.argv) > 1 else numpy.random.default_rng(0).random(INPUT)
image = (image.reshape(INPUT) / (255 if image.dtype == "uint8" else 1) - MEAN) / STD
scores = tvm.runtime.empty(OUTPUT, "float32")
network["main"](tvm.runtime.tensor(image.astype("float32")), scores)
best = int(scores.numpy().argmax())
print(scores.numpy(), "class", best, *labels[best : best + 1])
'''
"""What uses a library that classifies images; the words in capitals are replaced."""

_TENSORS_SCRIPT = '''\
"""Runs the compiled network beside this file on .npy files, one an input, or on random arrays.

Writes an .npy file for each output. Needs apache-tvm.
"""
import pathlib
import sys

import numpy
import tvm

use = USE
inputs = INPUTS  # name, shape, type and, of tokens, how many there are
outputs = OUTPUTS
files = sys.argv[1:]
if len(files) not in (0, len(inputs)):
    sys.exit(f"use: {use}")
random = numpy.random.default_rng(0)
tensors = []
for position, (name, shape, kind, tokens) in enumerate(inputs):
    if files:
        array = numpy.load(files[position])
        if array.size != numpy.prod(shape):
            sys.exit(f"{name} is an array of shape {shape}, got {array.shape}")
        if tokens and not (array.dtype.kind in "iu" and 0 <= array.min() <= array.max() < tokens):
            sys.exit(f"{name} is an array of integers from 0 to {tokens - 1}")
    else:
        array = random.integers(tokens, size=shape) if tokens else random.random(shape)
    tensors.append(tvm.runtime.tensor(array.reshape(shape).astype(kind)))
tensors += [tvm.runtime.empty(shape, "float32") for _, shape in outputs]
tvm.runtime.load_module(str(pathlib.Path(__file__).with_name("library.so")))["main"](*tensors)
for (name, shape), tensor in zip(outputs, tensors[len(inputs) :]):
    numpy.save(f"{name}.npy", tensor.numpy())
    print(f"{name}.npy: float32, {shape}", tensor.numpy(), sep="\\n")
'''
"""What uses any other library."""

FORMATS: dict[str, Format] = {
    f.name: f
    for f in [
        Format(
            "ir",
            "`network.ir`: the architecture as textual IR; every `drawloom` command reads it",
            (),
            _write_ir,
        ),
        Format(
            "safetensors", "`weights.safetensors`: the weights under PyTorch's names", (), _write_safetensors
        ),
        Format(
            "onnx",
            "`network.onnx`: for ONNX Runtime and others; the batch size is free",
            ("torch", "onnx", "onnxscript"),
            _write_onnx,
        ),
        Format(
            "torchscript",
            "`network.pt`: TorchScript, for PyTorch without any source text; the batch size is free. "
            "TorchScript is deprecated: PyTorch 2.13 warns when it loads such a file",
            ("torch",),
            _write_torchscript,
            _use_of_torchscript,
        ),
        Format(
            "python",
            "`network.py`: the network as PyTorch source, which imports nothing but `torch`. It is code: "
            "read it before you run it",
            ("torch",),
            _write_python,
            _use_of_python,
        ),
        Format(
            "tvm",
            "`library.so`: the network compiled for `{target}`, weights inside; `run.py` runs it",
            ("tvm",),
            _write_tvm,
            _use_of_library,
        ),
    ]
}
"""Every format by its name."""

WITHOUT_WEIGHTS = frozenset({"ir", "python"})
"""Formats that a network without weights can be written in."""


def parse_formats(text: str) -> tuple[str, ...]:
    """The formats of a list such as ``ir,onnx``, or ``all``.

    Raises:
        UserError: on an unknown one.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if "all" in names:
        return tuple(FORMATS)
    for name in names:
        if name not in FORMATS:
            raise unknown("format", name, [*FORMATS, "all"])
    return names


def require_formats(names: Iterable[str]) -> None:
    """Check, before any work is done, that what formats need is installed.

    Raises:
        ModuleNotFoundError: naming the first library that is missing.
    """
    for library in dict.fromkeys(library for name in names for library in FORMATS[name].needs):
        if find_spec(library) is None:
            raise ModuleNotFoundError(f"No module named '{library}'", name=library)


def export_network(job: Job, folder: Path, formats: Sequence[str], *, force: bool = False) -> Path:
    """Write a network to a folder of its own and return the folder.

    A complete export that is already there is replaced.

    Args:
        job: the network.
        folder: made by this; nothing else belongs in it.
        formats: keys of `FORMATS`.
        force: whether to replace a folder that is damaged or holds something else.

    Raises:
        UserError: when the folder holds something that is not a complete export, or weights are missing.
        ModuleNotFoundError: when a library that a format needs is not installed.
    """
    require_formats(formats)
    if folder.exists() and not force:
        check_export(folder)
    with folder_written_whole(folder, replacing=True) as partial:
        for name in formats:
            FORMATS[name].write(job, partial)
        (partial / "README.md").write_text(_readme(job, formats), encoding="utf-8")
        _write_manifest(job, partial)
    return folder


def _write_manifest(job: Job, folder: Path) -> None:
    files = {str(p.relative_to(folder)): _fingerprint(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    content = {"architecture": structural_hash(job.module), "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def check_export(folder: Path) -> None:
    """Check that every file of an export is there and as it was written.

    Raises:
        UserError: naming the first thing that is wrong.
    """
    remedy = "give --force to replace it"
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        raise UserError(f"'{folder}' is not a complete export: it has no {MANIFEST}", remedy) from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"'{folder / MANIFEST}' is damaged", remedy) from None
    for name, fingerprint in files.items():
        path = folder / name
        if not path.is_file():
            raise UserError(f"the export '{folder}' is incomplete: '{name}' is missing", remedy)
        if _fingerprint(path) != fingerprint:
            raise UserError(f"the export '{folder}' is damaged: '{name}' is not as it was written", remedy)


def _readme(job: Job, formats: Sequence[str]) -> str:
    about = "".join(f"* {name}: {text}\n" for name, text in job.about.items())
    files = "".join(f"* {FORMATS[name].help.format(target=job.target)}\n" for name in formats)
    lines = [text for name in formats if (text := FORMATS[name].use(job))]
    use = "\n## Use\n\n" + "".join(f"* {line}\n" for line in lines) if lines else ""
    return (
        f"# {job.module.name}\n\nA network exported by Drawloom.\n\n{about}\n## Input and output\n\n"
        f"{_ports_text(job)}\n\n## Files\n\n{files}"
        f"* `manifest.json`: sizes and SHA-256 of the files above\n{use}"
    )


def _ports_text(job: Job) -> str:
    """What goes in and comes out, in Markdown."""
    signature = Signature.of(job.module)
    if signature.classifies_images:
        return _images_text(job, signature)
    inputs = [f"* in: `{port.name}`, {_array_text(port)}" for port in signature.inputs]
    outputs = [f"* out: `{port.name}`, {_array_text(port)}" for port in signature.outputs]
    return "\n".join([*inputs, *outputs])


def _array_text(port: Port) -> str:
    tokens = " of tokens" if port.dtype is DType.I32 else ""
    return f"{port.element}{tokens}, {_shape_text(port)} (batch first)"


def _shape_text(port: Port) -> str:
    return "x".join(map(str, (1, *port.shape)))


def _images_text(job: Job, signature: Signature) -> str:
    shape = _shape_text(signature.inputs[0])
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (job.images.mean, job.images.std))
    scaled = "" if job.images == Images() else f": values from 0 to 1, minus {mean}, divided by {std}"
    labels = f" of {', '.join(job.images.labels)}" if job.images.labels else ""
    return (
        f"In: float32, {shape} (batch, channels, height, width){scaled}. "
        f"Out: float32, one score for each class{labels}; the highest is the answer."
    )


def front_folder(root: Path) -> Path:
    """Where, in the folder of a study, the exported networks of its front lie."""
    return root / "front"


def export_trials(
    study: Study,
    trials: Iterable[TrialRecord],
    formats: Sequence[str],
    *,
    out: Path | None = None,
    target: str | None = None,
    force: bool = False,
) -> Iterator[Path]:
    """Export networks of a study, a folder each, named by the number of the trial.

    Args:
        study: which.
        trials: complete trials of it.
        formats: keys of `FORMATS`.
        out: where the folders go; ``front`` in the study's folder by default.
        target: what libraries are compiled for; the study's by default.
        force: whether to replace damaged exports.

    Yields:
        Each folder, when it is complete.

    Raises:
        UserError: when a network or its weights are missing or damaged, or a damaged export is in the way.
    """
    for trial in trials:
        folder = (out or front_folder(study.folder.root)) / f"{trial.number:04d}"
        yield export_network(
            _job_of(study, trial, target or study.config.target), folder, formats, force=force
        )


def _job_of(study: Study, trial: TrialRecord, target: str) -> Job:
    from drawloom.backends.weights import load_weights
    from drawloom.passes import resolve
    from drawloom.tasks import load_task

    from .report_run import measure

    module = resolve(study.module, trial.assignment)
    path = study.folder.weights(trial.number)
    trained = path.exists() or "accuracy" in trial.values
    about = {"study": f"{study.name}, trial {trial.number}"}
    about |= {measure(name).title: measure(name).text(trial.values[name]) for name in study.config.objectives}
    return Job(
        module,
        load_weights(module, path) if trained else None,
        target,
        about,
        Images.of(load_task(study.config.task)),
    )
