"""Charts as SVG."""

from doors.console.charts import Series, curves


def test_values_that_are_all_zero_stand_on_an_axis_up_to_one() -> None:
    found = curves(
        "Came and went", ["Jan", "Feb"], [Series(name="bought", look="good", values=[0, 0])]
    )
    assert ">1<" in found
    assert "e-" not in found
