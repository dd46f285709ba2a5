"""What the table of sizes refuses."""

import pytest

from stages.tickets.settings.trials import Lower, Sizes, check_sizes

ASKED = Sizes(tasks=("mood",), seeds=(1,), lower=Lower(precisions=("bf16", "int8")))


def test_bfloat16_is_refused_while_bytes_may_not_depend_on_the_processor() -> None:
    with pytest.raises(
        ValueError, match=r"^sizes\.lower\.precisions has 'bf16', allowed are int8 and none"
    ):
        check_sizes(ASKED, "portable")
    check_sizes(ASKED, "fast")
    for fine in (("int8",), ()):
        check_sizes(ASKED.model_copy(update={"lower": Lower(precisions=fine)}), "portable")
    check_sizes(ASKED.model_copy(update={"tasks": ()}), "portable")
