"""Charts as SVG."""

import pytest

from doors.console.charts import Series, bars, curves


def test_values_that_are_all_zero_stand_on_an_axis_up_to_one() -> None:
    found = curves(
        "Came and went", ["Jan", "Feb"], [Series(name="bought", look="good", values=[0, 0])]
    )
    assert ">1<" in found
    assert "e-" not in found


@pytest.mark.parametrize(
    ("value", "told", "axis"),
    [
        (50.5, "7 Feb: 50.5 USD", ">40<"),
        (15_000_000_000.0, "7 Feb: 15,000,000,000 USD", ">15G<"),
        (12_345_678_901.25, "7 Feb: 12,345,678,901.25 USD", ">10G<"),
        (2e16, "7 Feb: 20,000,000,000,000,000 USD", ">20,000T<"),
    ],
)
def test_large_amounts_have_no_exponent(value: float, told: str, axis: str) -> None:
    found = bars("Money in", ["7 Feb"], [Series(name="USD", look="good", values=[value])])
    assert f"<title>{told}</title>" in found
    assert axis in found
    assert "e+" not in found
