"""More output than anything on the way holds: all of it comes, and in order."""

from __future__ import annotations

import pytest

from tests.kernels.conftest import Started

PIECES = "for n in range(10): print(str(n) * 9_999_999, flush=True)"


@pytest.mark.scenario("V16")
def test_of_100_megabytes_nothing_is_lost_though_the_link_is_cut_again_and_again(
    kernel: Started,
) -> None:
    kernel.machine.cut_after = [5_000_003 + 3_333_337 * n for n in range(6)]
    kernel.machine.cut()
    printed = kernel.run(PIECES)
    assert not kernel.machine.cut_after
    assert len(printed) == 100_000_000
    assert printed == "".join(str(n) * 9_999_999 + "\n" for n in range(10))
