from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_DATACENTER: _ClassVar[Mode]
    MODE_INTERNET: _ClassVar[Mode]
    MODE_HYBRID: _ClassVar[Mode]
MODE_UNSPECIFIED: Mode
MODE_DATACENTER: Mode
MODE_INTERNET: Mode
MODE_HYBRID: Mode

class Sample(_message.Message):
    __slots__ = ("timestamp_s", "bandwidth_mbps", "latency_ms", "packet_loss", "jitter_ms", "throughput_mbps", "during_transfer")
    TIMESTAMP_S_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    PACKET_LOSS_FIELD_NUMBER: _ClassVar[int]
    JITTER_MS_FIELD_NUMBER: _ClassVar[int]
    THROUGHPUT_MBPS_FIELD_NUMBER: _ClassVar[int]
    DURING_TRANSFER_FIELD_NUMBER: _ClassVar[int]
    timestamp_s: float
    bandwidth_mbps: float
    latency_ms: float
    packet_loss: float
    jitter_ms: float
    throughput_mbps: float
    during_transfer: bool
    def __init__(self, timestamp_s: _Optional[float] = ..., bandwidth_mbps: _Optional[float] = ..., latency_ms: _Optional[float] = ..., packet_loss: _Optional[float] = ..., jitter_ms: _Optional[float] = ..., throughput_mbps: _Optional[float] = ..., during_transfer: _Optional[bool] = ...) -> None: ...

class HistoryColumns(_message.Message):
    __slots__ = ("timestamp_s", "bandwidth_mbps", "latency_ms", "packet_loss", "jitter_ms", "throughput_mbps", "during_transfer")
    TIMESTAMP_S_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    PACKET_LOSS_FIELD_NUMBER: _ClassVar[int]
    JITTER_MS_FIELD_NUMBER: _ClassVar[int]
    THROUGHPUT_MBPS_FIELD_NUMBER: _ClassVar[int]
    DURING_TRANSFER_FIELD_NUMBER: _ClassVar[int]
    timestamp_s: _containers.RepeatedScalarFieldContainer[float]
    bandwidth_mbps: _containers.RepeatedScalarFieldContainer[float]
    latency_ms: _containers.RepeatedScalarFieldContainer[float]
    packet_loss: _containers.RepeatedScalarFieldContainer[float]
    jitter_ms: _containers.RepeatedScalarFieldContainer[float]
    throughput_mbps: _containers.RepeatedScalarFieldContainer[float]
    during_transfer: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, timestamp_s: _Optional[_Iterable[float]] = ..., bandwidth_mbps: _Optional[_Iterable[float]] = ..., latency_ms: _Optional[_Iterable[float]] = ..., packet_loss: _Optional[_Iterable[float]] = ..., jitter_ms: _Optional[_Iterable[float]] = ..., throughput_mbps: _Optional[_Iterable[float]] = ..., during_transfer: _Optional[_Iterable[bool]] = ...) -> None: ...

class ForecastRequest(_message.Message):
    __slots__ = ("history", "link_id", "mode", "allocation", "columns", "as_of_newest")
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    history: _containers.RepeatedCompositeFieldContainer[Sample]
    link_id: str
    mode: Mode
    allocation: AllocationRequest
    columns: HistoryColumns
    as_of_newest: bool
    def __init__(self, history: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ..., link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., allocation: _Optional[_Union[AllocationRequest, _Mapping]] = ..., columns: _Optional[_Union[HistoryColumns, _Mapping]] = ..., as_of_newest: _Optional[bool] = ...) -> None: ...

class AllocationRequest(_message.Message):
    __slots__ = ("policy", "quantile", "steps", "min_streams", "max_streams", "min_buffer_bytes", "max_buffer_bytes", "min_rate_mbps", "max_rate_mbps", "duration_s", "bytes")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MIN_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MIN_BUFFER_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BUFFER_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIN_RATE_MBPS_FIELD_NUMBER: _ClassVar[int]
    MAX_RATE_MBPS_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    policy: str
    quantile: float
    steps: int
    min_streams: int
    max_streams: int
    min_buffer_bytes: int
    max_buffer_bytes: int
    min_rate_mbps: float
    max_rate_mbps: float
    duration_s: float
    bytes: int
    def __init__(self, policy: _Optional[str] = ..., quantile: _Optional[float] = ..., steps: _Optional[int] = ..., min_streams: _Optional[int] = ..., max_streams: _Optional[int] = ..., min_buffer_bytes: _Optional[int] = ..., max_buffer_bytes: _Optional[int] = ..., min_rate_mbps: _Optional[float] = ..., max_rate_mbps: _Optional[float] = ..., duration_s: _Optional[float] = ..., bytes: _Optional[int] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("forecast",)
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    forecast: Forecast
    def __init__(self, forecast: _Optional[_Union[Forecast, _Mapping]] = ...) -> None: ...

class ForecastBatchRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[ForecastRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[ForecastRequest, _Mapping]]] = ...) -> None: ...

class ForecastBatchResponse(_message.Message):
    __slots__ = ("forecasts",)
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    forecasts: _containers.RepeatedCompositeFieldContainer[ForecastItem]
    def __init__(self, forecasts: _Optional[_Iterable[_Union[ForecastItem, _Mapping]]] = ...) -> None: ...

class ForecastItem(_message.Message):
    __slots__ = ("forecast", "error")
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    forecast: Forecast
    error: ErrorDetail
    def __init__(self, forecast: _Optional[_Union[Forecast, _Mapping]] = ..., error: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...

class Forecast(_message.Message):
    __slots__ = ("link_id", "mode", "source", "model_version", "made_at_s", "valid_until_s", "step_s", "bandwidth_mbps", "confidence", "horizons", "latency_ms", "packet_loss", "jitter_ms", "members", "reasons", "allocation", "newest_sample_at_s", "age_s", "intervals")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_S_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_S_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    HORIZONS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    PACKET_LOSS_FIELD_NUMBER: _ClassVar[int]
    JITTER_MS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    NEWEST_SAMPLE_AT_S_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    INTERVALS_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    mode: Mode
    source: str
    model_version: str
    made_at_s: float
    valid_until_s: float
    step_s: float
    bandwidth_mbps: float
    confidence: float
    horizons: _containers.RepeatedCompositeFieldContainer[Horizon]
    latency_ms: float
    packet_loss: float
    jitter_ms: float
    members: _containers.RepeatedCompositeFieldContainer[Member]
    reasons: _containers.RepeatedScalarFieldContainer[str]
    allocation: Allocation
    newest_sample_at_s: float
    age_s: float
    intervals: _containers.RepeatedCompositeFieldContainer[Interval]
    def __init__(self, link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., source: _Optional[str] = ..., model_version: _Optional[str] = ..., made_at_s: _Optional[float] = ..., valid_until_s: _Optional[float] = ..., step_s: _Optional[float] = ..., bandwidth_mbps: _Optional[float] = ..., confidence: _Optional[float] = ..., horizons: _Optional[_Iterable[_Union[Horizon, _Mapping]]] = ..., latency_ms: _Optional[float] = ..., packet_loss: _Optional[float] = ..., jitter_ms: _Optional[float] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., reasons: _Optional[_Iterable[str]] = ..., allocation: _Optional[_Union[Allocation, _Mapping]] = ..., newest_sample_at_s: _Optional[float] = ..., age_s: _Optional[float] = ..., intervals: _Optional[_Iterable[_Union[Interval, _Mapping]]] = ...) -> None: ...

class Allocation(_message.Message):
    __slots__ = ("policy", "quantile", "safe_rate_mbps", "streams", "buffer_bytes", "chunk_bytes", "pacing_total_mbps", "pacing_per_stream_mbps")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    QUANTILE_FIELD_NUMBER: _ClassVar[int]
    SAFE_RATE_MBPS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    BUFFER_BYTES_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    PACING_TOTAL_MBPS_FIELD_NUMBER: _ClassVar[int]
    PACING_PER_STREAM_MBPS_FIELD_NUMBER: _ClassVar[int]
    policy: str
    quantile: float
    safe_rate_mbps: float
    streams: int
    buffer_bytes: int
    chunk_bytes: int
    pacing_total_mbps: float
    pacing_per_stream_mbps: float
    def __init__(self, policy: _Optional[str] = ..., quantile: _Optional[float] = ..., safe_rate_mbps: _Optional[float] = ..., streams: _Optional[int] = ..., buffer_bytes: _Optional[int] = ..., chunk_bytes: _Optional[int] = ..., pacing_total_mbps: _Optional[float] = ..., pacing_per_stream_mbps: _Optional[float] = ...) -> None: ...

class Horizon(_message.Message):
    __slots__ = ("steps", "bandwidth_mbps", "confidence", "quantiles")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    steps: int
    bandwidth_mbps: float
    confidence: float
    quantiles: _containers.RepeatedCompositeFieldContainer[Quantile]
    def __init__(self, steps: _Optional[int] = ..., bandwidth_mbps: _Optional[float] = ..., confidence: _Optional[float] = ..., quantiles: _Optional[_Iterable[_Union[Quantile, _Mapping]]] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("steps", "mean_mbps", "confidence", "quantiles")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MEAN_MBPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    steps: int
    mean_mbps: float
    confidence: float
    quantiles: _containers.RepeatedCompositeFieldContainer[Quantile]
    def __init__(self, steps: _Optional[int] = ..., mean_mbps: _Optional[float] = ..., confidence: _Optional[float] = ..., quantiles: _Optional[_Iterable[_Union[Quantile, _Mapping]]] = ...) -> None: ...

class Quantile(_message.Message):
    __slots__ = ("level", "bandwidth_mbps")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    level: float
    bandwidth_mbps: float
    def __init__(self, level: _Optional[float] = ..., bandwidth_mbps: _Optional[float] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("name", "weight", "bandwidth_mbps", "confidence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: float
    bandwidth_mbps: float
    confidence: float
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[float] = ..., bandwidth_mbps: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ("code", "message", "field")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    field: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class ObserveRequest(_message.Message):
    __slots__ = ("samples", "forecast", "allocation", "as_of_newest")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[LinkSample]
    forecast: bool
    allocation: AllocationRequest
    as_of_newest: bool
    def __init__(self, samples: _Optional[_Iterable[_Union[LinkSample, _Mapping]]] = ..., forecast: _Optional[bool] = ..., allocation: _Optional[_Union[AllocationRequest, _Mapping]] = ..., as_of_newest: _Optional[bool] = ...) -> None: ...

class LinkSample(_message.Message):
    __slots__ = ("link_id", "sample")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    sample: Sample
    def __init__(self, link_id: _Optional[str] = ..., sample: _Optional[_Union[Sample, _Mapping]] = ...) -> None: ...

class ObserveResponse(_message.Message):
    __slots__ = ("links", "refused")
    class LinksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: LinkObserved
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[LinkObserved, _Mapping]] = ...) -> None: ...
    LINKS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    links: _containers.MessageMap[str, LinkObserved]
    refused: _containers.RepeatedCompositeFieldContainer[RefusedSample]
    def __init__(self, links: _Optional[_Mapping[str, LinkObserved]] = ..., refused: _Optional[_Iterable[_Union[RefusedSample, _Mapping]]] = ...) -> None: ...

class RefusedSample(_message.Message):
    __slots__ = ("index", "link_id", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    link_id: str
    error: ErrorDetail
    def __init__(self, index: _Optional[int] = ..., link_id: _Optional[str] = ..., error: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...

class LinkObserved(_message.Message):
    __slots__ = ("accepted", "duplicates", "late", "expired", "mode", "ignored", "refused", "reasons", "forecast", "error")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    duplicates: int
    late: int
    expired: int
    mode: Mode
    ignored: int
    refused: _containers.RepeatedCompositeFieldContainer[RefusedSample]
    reasons: _containers.RepeatedScalarFieldContainer[str]
    forecast: Forecast
    error: ErrorDetail
    def __init__(self, accepted: _Optional[int] = ..., duplicates: _Optional[int] = ..., late: _Optional[int] = ..., expired: _Optional[int] = ..., mode: _Optional[_Union[Mode, str]] = ..., ignored: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[RefusedSample, _Mapping]]] = ..., reasons: _Optional[_Iterable[str]] = ..., forecast: _Optional[_Union[Forecast, _Mapping]] = ..., error: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...

class LinkForecastRequest(_message.Message):
    __slots__ = ("link_id", "allocation", "as_of_newest")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    allocation: AllocationRequest
    as_of_newest: bool
    def __init__(self, link_id: _Optional[str] = ..., allocation: _Optional[_Union[AllocationRequest, _Mapping]] = ..., as_of_newest: _Optional[bool] = ...) -> None: ...

class LinkForecastResponse(_message.Message):
    __slots__ = ("forecast",)
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    forecast: Forecast
    def __init__(self, forecast: _Optional[_Union[Forecast, _Mapping]] = ...) -> None: ...

class LinkForecastsRequest(_message.Message):
    __slots__ = ("link_ids", "allocation", "as_of_newest")
    LINK_IDS_FIELD_NUMBER: _ClassVar[int]
    ALLOCATION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    link_ids: _containers.RepeatedScalarFieldContainer[str]
    allocation: AllocationRequest
    as_of_newest: bool
    def __init__(self, link_ids: _Optional[_Iterable[str]] = ..., allocation: _Optional[_Union[AllocationRequest, _Mapping]] = ..., as_of_newest: _Optional[bool] = ...) -> None: ...

class LinkForecastsResponse(_message.Message):
    __slots__ = ("forecasts",)
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    forecasts: _containers.RepeatedCompositeFieldContainer[ForecastItem]
    def __init__(self, forecasts: _Optional[_Iterable[_Union[ForecastItem, _Mapping]]] = ...) -> None: ...

class TransferRequest(_message.Message):
    __slots__ = ("history", "link_id", "mode", "columns", "bytes", "deadline_s", "dirty_mbps", "as_of_newest")
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    DIRTY_MBPS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    history: _containers.RepeatedCompositeFieldContainer[Sample]
    link_id: str
    mode: Mode
    columns: HistoryColumns
    bytes: int
    deadline_s: float
    dirty_mbps: float
    as_of_newest: bool
    def __init__(self, history: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ..., link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., columns: _Optional[_Union[HistoryColumns, _Mapping]] = ..., bytes: _Optional[int] = ..., deadline_s: _Optional[float] = ..., dirty_mbps: _Optional[float] = ..., as_of_newest: _Optional[bool] = ...) -> None: ...

class TransferResponse(_message.Message):
    __slots__ = ("transfer",)
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    transfer: TransferForecast
    def __init__(self, transfer: _Optional[_Union[TransferForecast, _Mapping]] = ...) -> None: ...

class TransfersRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[TransferRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[TransferRequest, _Mapping]]] = ...) -> None: ...

class TransfersResponse(_message.Message):
    __slots__ = ("transfers",)
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[TransferItem]
    def __init__(self, transfers: _Optional[_Iterable[_Union[TransferItem, _Mapping]]] = ...) -> None: ...

class TransferItem(_message.Message):
    __slots__ = ("transfer", "error")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    transfer: TransferForecast
    error: ErrorDetail
    def __init__(self, transfer: _Optional[_Union[TransferForecast, _Mapping]] = ..., error: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...

class TransferForecast(_message.Message):
    __slots__ = ("link_id", "mode", "source", "model_version", "made_at_s", "newest_sample_at_s", "step_s", "bytes", "deadline_s", "dirty_mbps", "duration_s", "probability_in_time", "precopy", "advice", "reasons")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_S_FIELD_NUMBER: _ClassVar[int]
    NEWEST_SAMPLE_AT_S_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    DIRTY_MBPS_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_IN_TIME_FIELD_NUMBER: _ClassVar[int]
    PRECOPY_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    mode: Mode
    source: str
    model_version: str
    made_at_s: float
    newest_sample_at_s: float
    step_s: float
    bytes: int
    deadline_s: float
    dirty_mbps: float
    duration_s: _containers.RepeatedCompositeFieldContainer[DurationQuantile]
    probability_in_time: float
    precopy: Precopy
    advice: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., source: _Optional[str] = ..., model_version: _Optional[str] = ..., made_at_s: _Optional[float] = ..., newest_sample_at_s: _Optional[float] = ..., step_s: _Optional[float] = ..., bytes: _Optional[int] = ..., deadline_s: _Optional[float] = ..., dirty_mbps: _Optional[float] = ..., duration_s: _Optional[_Iterable[_Union[DurationQuantile, _Mapping]]] = ..., probability_in_time: _Optional[float] = ..., precopy: _Optional[_Union[Precopy, _Mapping]] = ..., advice: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class Precopy(_message.Message):
    __slots__ = ("probability_converges", "rounds", "downtime_s")
    PROBABILITY_CONVERGES_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    DOWNTIME_S_FIELD_NUMBER: _ClassVar[int]
    probability_converges: float
    rounds: int
    downtime_s: _containers.RepeatedCompositeFieldContainer[DurationQuantile]
    def __init__(self, probability_converges: _Optional[float] = ..., rounds: _Optional[int] = ..., downtime_s: _Optional[_Iterable[_Union[DurationQuantile, _Mapping]]] = ...) -> None: ...

class DurationQuantile(_message.Message):
    __slots__ = ("level", "seconds")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    level: float
    seconds: float
    def __init__(self, level: _Optional[float] = ..., seconds: _Optional[float] = ...) -> None: ...
