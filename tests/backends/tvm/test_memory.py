"""The arena: buffers that are alive at the same time never overlap."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drawloom.backends.tvm.memory import lay_out
from drawloom.backends.tvm.plan import Buffer, KernelCall
from drawloom.backends.tvm.workload import Fill


@given(
    st.lists(st.tuples(st.integers(1, 500), st.lists(st.integers(0, 8), max_size=3)), min_size=1, max_size=20)
)
def test_buffers_alive_together_do_not_overlap(network: list[tuple[int, list[int]]]) -> None:
    buffers: list[Buffer] = []
    calls: list[KernelCall] = []
    for elements, back in network:
        reads = tuple(buffers[-b] for b in back if 0 < b <= len(buffers))
        buffers.append(Buffer(elements))
        calls.append(KernelCall(Fill(1, 1, 1, elements), reads, buffers[-1]))
    offsets, size = lay_out(calls)
    spans = {b: [t for t, call in enumerate(calls) if b in call.buffers] for b in buffers}
    for i, a in enumerate(buffers):
        assert offsets[a] % 16 == 0
        assert offsets[a] + a.elements <= size
        for b in buffers[:i]:
            together = min(spans[a]) <= max(spans[b]) and min(spans[b]) <= max(spans[a])
            apart = offsets[a] + a.elements <= offsets[b] or offsets[b] + b.elements <= offsets[a]
            assert apart or not together


def test_a_chain_needs_two_buffers_only() -> None:
    buffers = [Buffer(160) for _ in range(6)]
    calls = [KernelCall(Fill(1, 1, 1, 160), (a,), b) for a, b in pairwise(buffers)]
    assert lay_out(calls)[1] == 320


def test_buffers_of_the_caller_are_not_laid_out() -> None:
    given_, made = Buffer(16, "input"), Buffer(16, "output")
    assert lay_out([KernelCall(Fill(1, 1, 1, 16), (given_,), made)]) == ({}, 0)
