from tests.forecasting.forecast_cases import output


def test_an_output_is_decoded_once():
    result = output([1.0, 0.0, 0.0], 0.8)
    assert result.decoded is result.decoded
    assert result.decoded.confidence[0, 0] == 0.8
