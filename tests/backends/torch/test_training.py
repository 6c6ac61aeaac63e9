"""Training: that it learns, repeats exactly, stops where it should, and leaves no trace."""

import dataclasses
import math
import pickle
from typing import Any

import numpy as np
import pytest
from networks import mobile

from drawloom.backends import EpochResult, Recipe, TrainingDiverged
from drawloom.backends.training import Data
from drawloom.ir import FunctionBuilder, Module, TensorType, UserError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import evaluate, predict, to_torch, train, weights_of  # noqa: E402
from drawloom.backends.torch.augment import augmented  # noqa: E402
from drawloom.backends.torch.training_loop import learning_rate, parameter_groups  # noqa: E402

RECIPE = Recipe(epochs=4, batch_size=16, learning_rate=0.1, flip=False)


def squares(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images uint8[count, 1, 12, 12] with one bright quarter; the label says which."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 100, (count, 1, 12, 12))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 6 * row : 6 * row + 6, 6 * column : 6 * column + 6] += 80
    return images.astype(np.uint8), labels


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(*squares(256, 0), *squares(128, 1))


def fit(data: Data, recipe: Recipe = RECIPE, **options: Any) -> tuple[Any, Any]:
    # four classes told apart by place: the head must see where, so the network flattens
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((1, 12, 12)), "image")
    h = b.op("conv2d", [x], {"out": 8, "kernel": 3, "stride": 2, "pad": 1, "param": "conv"})
    h = b.op("relu", [b.op("batch_norm", [h], {"param": "norm"})])
    h = b.op("dropout", [b.op("flatten", [h])], {"rate": 0.1})
    f = b.finish([b.op("linear", [h], {"out": 4, "param": "linear"})])
    network = to_torch(Module("net", {f.name: f}))
    return network, train(network, data, recipe, **options)


def test_it_learns(data: Data) -> None:
    told: list[EpochResult] = []
    network, result = fit(data, on_epoch=told.append)
    assert tuple(told) == result.epochs
    assert [e.epoch for e in result.epochs] == [1, 2, 3, 4]
    losses = [e.loss for e in result.epochs]
    assert losses[-1] < 0.5 * losses[0] < math.log(4)
    assert result.accuracy == result.epochs[-1].test_accuracy > 0.95
    assert result.complete
    assert result.seconds >= sum(e.seconds for e in result.epochs)
    assert evaluate(network, data.test_images, data.test_labels) == pytest.approx(result.accuracy)


def test_it_repeats_exactly(data: Data) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=2, flip=True, shift=2)
    torch.manual_seed(1)
    first, result = fit(data, recipe)
    torch.manual_seed(2)
    torch.rand(7)
    second, again = fit(data, recipe)
    assert [(e.loss, e.test_accuracy) for e in result.epochs] == [
        (e.loss, e.test_accuracy) for e in again.epochs
    ]
    one, two = weights_of(first), weights_of(second)
    assert all(np.array_equal(one[n], two[n]) for n in one)
    third, _ = fit(data, dataclasses.replace(recipe, seed=1))
    assert not np.array_equal(weights_of(third)["linear.weight"], one["linear.weight"])


def test_it_leaves_the_state_of_torch_alone(data: Data) -> None:
    torch.set_num_threads(2)
    state = torch.get_rng_state()
    fit(data, dataclasses.replace(RECIPE, epochs=1, threads=1))
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)
    torch.set_num_threads(1)


def test_read_only_and_float_images_are_taken(data: Data) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1)
    _, expected = fit(data, recipe)
    arrays = Data(*(a.copy() for a in data))
    for array in arrays:
        array.flags.writeable = False
    _, found = fit(arrays, recipe)
    assert found.epochs[0].loss == expected.epochs[0].loss
    scaled = arrays._replace(
        train_images=(arrays.train_images / np.float32(255)),
        test_images=(arrays.test_images / np.float32(255)),
    )
    _, found = fit(scaled, recipe)
    assert found.epochs[0].loss == pytest.approx(expected.epochs[0].loss, rel=1e-3)


def test_divergence_is_an_error_with_its_place(data: Data) -> None:
    with pytest.raises(TrainingDiverged, match=r"the loss is (nan|inf) in epoch 1, step \d+") as caught:
        fit(data, dataclasses.replace(RECIPE, learning_rate=1e30))
    assert caught.value.epoch == 1
    assert 1 <= caught.value.step <= 16
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.epoch, copy.step, str(copy)) == (1, caught.value.step, str(caught.value))


def test_time_limit_ends_after_an_epoch(data: Data) -> None:
    _, result = fit(data, dataclasses.replace(RECIPE, max_seconds=0.0))
    assert len(result.epochs) == 1
    assert not result.complete


def test_what_is_raised_on_an_epoch_ends_training(data: Data) -> None:
    class Stop(Exception):
        pass

    def stop(result: EpochResult) -> None:
        raise Stop

    with pytest.raises(Stop):
        fit(data, on_epoch=stop)


def test_refusals(data: Data) -> None:
    with pytest.raises(UserError, match="256 training images are less than a batch of 300"):
        fit(data, dataclasses.replace(RECIPE, batch_size=300))
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no CUDA device"):
            fit(data, dataclasses.replace(RECIPE, device="cuda"))


def test_mixed_precision_learns(data: Data) -> None:
    _, result = fit(data, dataclasses.replace(RECIPE, precision="bfloat16"))
    assert result.accuracy > 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_on_a_gpu(data: Data, precision: str) -> None:
    network, result = fit(data, dataclasses.replace(RECIPE, device="cuda", precision=precision))
    assert result.accuracy > 0.95
    assert next(network.parameters()).is_cuda
    assert all(isinstance(w, np.ndarray) for w in weights_of(network).values())
    assert predict(network, data.test_images).shape == (128, 4)


def test_predictions_leave_the_mode_alone(data: Data) -> None:
    network = to_torch(mobile())
    scores = predict(network, data.test_images[:7], mean=(0.2,), std=(0.4,))
    assert scores.shape == (7, 10)
    assert scores.dtype == np.float32
    assert network.training
    x = torch.from_numpy((data.test_images[:7] / 255 - 0.2) / 0.4).float()
    with torch.no_grad():
        np.testing.assert_allclose(scores, network.eval()(x).numpy(), atol=1e-5)


def test_schedule() -> None:
    recipe = Recipe(learning_rate=0.4, warm_up=0.2)
    rates = [learning_rate(step, 100, recipe) for step in range(100)]
    assert 0 < rates[0] < 0.03
    assert rates.index(max(rates)) == 20
    assert max(rates) == pytest.approx(0.4)
    assert rates[60] == pytest.approx(0.2)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert 0 < rates[99] < 0.001
    assert learning_rate(0, 10, Recipe(learning_rate=0.4, warm_up=0.0)) == pytest.approx(0.4)


def test_biases_and_normalisation_do_not_decay() -> None:
    network = to_torch(mobile())
    decaying, others = parameter_groups(network, 0.1)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    names = {id(p): n for n, p in network.named_parameters()}
    assert all(names[id(p)].endswith(("conv.weight", "squeeze.weight", "excite.weight", "linear.weight"))
               for p in decaying["params"])  # fmt: skip
    assert all(names[id(p)].endswith(("batch_norm.weight", "bias")) for p in others["params"])
    assert len(decaying["params"]) + len(others["params"]) == len(names)


class TestAugmentation:
    """Random mirroring and shifting."""

    images = torch.arange(200 * 2 * 5 * 6, dtype=torch.uint8).reshape(200, 2, 5, 6)

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(0)

    def test_nothing(self) -> None:
        assert torch.equal(augmented(self.images, False, 0, self.generator()), self.images)

    def test_about_half_are_mirrored(self) -> None:
        result = augmented(self.images, True, 0, self.generator())
        mirrored = (result == self.images.flip(3)).flatten(1).all(1)
        same = (result == self.images).flatten(1).all(1)
        assert (mirrored | same).all()
        assert 70 < int(mirrored.sum()) < 130

    def test_shifts_bring_in_zeros(self) -> None:
        ones = torch.ones(500, 1, 5, 6)
        result = augmented(ones, False, 2, self.generator())
        kept = set(result.sum((1, 2, 3)).int().tolist())
        assert kept == {(5 - abs(dy)) * (6 - abs(dx)) for dy in range(-2, 3) for dx in range(-2, 3)}
        assert result.dtype == ones.dtype

    def test_each_image_is_shifted_as_a_whole(self) -> None:
        result = augmented(self.images[:20] + 1, False, 1, self.generator())
        for image, original in zip(result, self.images[:20] + 1, strict=True):
            bordered = torch.nn.functional.pad(original, (1, 1, 1, 1))
            places = [bordered[:, y : y + 5, x : x + 6] for y in range(3) for x in range(3)]
            assert any(torch.equal(image, place) for place in places)
