from hypothesis import given
from hypothesis import strategies as st

from harness.model.cpu.entities import build_processors


@given(st.integers(1, 64), st.integers(1, 8))
def test_cores_fill_one_chip_after_the_other(cores, per_chip):
    processors = build_processors(cores, per_chip)
    assert [processor.index for processor in processors] == list(range(cores))
    chips = list(dict.fromkeys(processor.chip for processor in processors))
    assert len(chips) == -(-cores // per_chip)
    assert [p for chip in chips for p in chip.processors] == processors
    assert all(len(chip.processors) == per_chip for chip in chips[:-1])
