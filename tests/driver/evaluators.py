"""Evaluators for the tests of studies: fast, without training, and failing in every way a candidate can."""

import ctypes
import time
from pathlib import Path

from drawloom.evaluation import Evaluation, Result
from drawloom.ir import UserError
from drawloom.warm import Reporter


def pretend(job: Evaluation, report: Reporter) -> Result:
    """Accuracy and latency as functions of the counts, so that smaller is faster and larger is better."""
    size = job.prices["multiply_adds"]
    accuracy = 1 - 1 / (1 + size / 10_000)
    for epoch in (1, 2):
        report.note("epoch", epoch=epoch, epochs=2, loss=1.0 / epoch, accuracy=accuracy * epoch / 2)
    with report.alone() as others:
        measurement = {"median": size * 1e-9, "other_jobs": others}
    values = {**job.prices, "accuracy": accuracy, "test_accuracy": accuracy - 0.01, "latency": size * 1e-9}
    return Result(values, measurement)


def leisurely(job: Evaluation, report: Reporter) -> Result:
    """The same, slow enough to be interrupted."""
    time.sleep(0.02)
    return pretend(job, report)


def troubled(job: Evaluation, report: Reporter) -> Result:
    """Every candidate fails in its own way, or does not."""
    number = int(Path(job.network).parent.name)
    match number % 6:
        case 0:
            ctypes.string_at(0)
        case 1:
            raise ValueError("training diverged")
        case 2:
            raise UserError("this network cannot be run on the target")
        case 3:
            while True:
                time.sleep(1)
        case 4:
            return Result({"accuracy": float("nan"), "latency": 1.0})
    return pretend(job, report)


def silent(job: Evaluation, report: Reporter) -> Result:
    """Forgets what it was asked for."""
    return Result({"accuracy": 0.5})


def confused(job: Evaluation, report: Reporter) -> str:
    """Gives something else."""
    return "fine"


def patient(job: Evaluation, report: Reporter) -> Result:
    """Takes longer than any test."""
    time.sleep(1000)
    return pretend(job, report)
