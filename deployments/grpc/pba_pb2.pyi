from google.protobuf import struct_pb2 as _struct_pb2
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

class WatchRequest(_message.Message):
    __slots__ = ("link_ids", "prefixes", "resume_token")
    LINK_IDS_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    link_ids: _containers.RepeatedScalarFieldContainer[str]
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    resume_token: str
    def __init__(self, link_ids: _Optional[_Iterable[str]] = ..., prefixes: _Optional[_Iterable[str]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("forecasts", "resume_token")
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    forecasts: _containers.RepeatedCompositeFieldContainer[Forecast]
    resume_token: str
    def __init__(self, forecasts: _Optional[_Iterable[_Union[Forecast, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class TransferRequest(_message.Message):
    __slots__ = ("history", "link_id", "mode", "columns", "bytes", "deadline_s", "dirty_mbps", "as_of_newest", "record")
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_S_FIELD_NUMBER: _ClassVar[int]
    DIRTY_MBPS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NEWEST_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    history: _containers.RepeatedCompositeFieldContainer[Sample]
    link_id: str
    mode: Mode
    columns: HistoryColumns
    bytes: int
    deadline_s: float
    dirty_mbps: float
    as_of_newest: bool
    record: bool
    def __init__(self, history: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ..., link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., columns: _Optional[_Union[HistoryColumns, _Mapping]] = ..., bytes: _Optional[int] = ..., deadline_s: _Optional[float] = ..., dirty_mbps: _Optional[float] = ..., as_of_newest: _Optional[bool] = ..., record: _Optional[bool] = ...) -> None: ...

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

class ListLinksRequest(_message.Message):
    __slots__ = ("mode", "cursor", "limit", "search", "sort")
    MODE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    mode: Mode
    cursor: str
    limit: int
    search: str
    sort: str
    def __init__(self, mode: _Optional[_Union[Mode, str]] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ..., search: _Optional[str] = ..., sort: _Optional[str] = ...) -> None: ...

class ListLinksResponse(_message.Message):
    __slots__ = ("links", "cursor")
    LINKS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[Link]
    cursor: str
    def __init__(self, links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("link_id", "mode", "mode_since_s", "mode_switches", "last_sample_s", "hits", "misses", "accuracy_20", "leader", "weights", "transfers", "drift")
    class WeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MODE_SINCE_S_FIELD_NUMBER: _ClassVar[int]
    MODE_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    LAST_SAMPLE_S_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    mode: Mode
    mode_since_s: float
    mode_switches: int
    last_sample_s: float
    hits: int
    misses: int
    accuracy_20: float
    leader: str
    weights: _containers.ScalarMap[str, float]
    transfers: TransferSummary
    drift: float
    def __init__(self, link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., mode_since_s: _Optional[float] = ..., mode_switches: _Optional[int] = ..., last_sample_s: _Optional[float] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ..., accuracy_20: _Optional[float] = ..., leader: _Optional[str] = ..., weights: _Optional[_Mapping[str, float]] = ..., transfers: _Optional[_Union[TransferSummary, _Mapping]] = ..., drift: _Optional[float] = ...) -> None: ...

class TransferSummary(_message.Message):
    __slots__ = ("scored", "censored", "unscored", "coverage_80", "faster", "slower")
    SCORED_FIELD_NUMBER: _ClassVar[int]
    CENSORED_FIELD_NUMBER: _ClassVar[int]
    UNSCORED_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_80_FIELD_NUMBER: _ClassVar[int]
    FASTER_FIELD_NUMBER: _ClassVar[int]
    SLOWER_FIELD_NUMBER: _ClassVar[int]
    scored: int
    censored: int
    unscored: int
    coverage_80: float
    faster: float
    slower: float
    def __init__(self, scored: _Optional[int] = ..., censored: _Optional[int] = ..., unscored: _Optional[int] = ..., coverage_80: _Optional[float] = ..., faster: _Optional[float] = ..., slower: _Optional[float] = ...) -> None: ...

class GetLinkRequest(_message.Message):
    __slots__ = ("link_id",)
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    def __init__(self, link_id: _Optional[str] = ...) -> None: ...

class GetLinkResponse(_message.Message):
    __slots__ = ("link",)
    LINK_FIELD_NUMBER: _ClassVar[int]
    link: Link
    def __init__(self, link: _Optional[_Union[Link, _Mapping]] = ...) -> None: ...

class DeleteLinkRequest(_message.Message):
    __slots__ = ("link_id",)
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    def __init__(self, link_id: _Optional[str] = ...) -> None: ...

class DeleteLinkResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: str
    def __init__(self, deleted: _Optional[str] = ...) -> None: ...

class GetLinkHistoryRequest(_message.Message):
    __slots__ = ("link_id", "from_s", "to_s", "limit")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_S_FIELD_NUMBER: _ClassVar[int]
    TO_S_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    from_s: float
    to_s: float
    limit: int
    def __init__(self, link_id: _Optional[str] = ..., from_s: _Optional[float] = ..., to_s: _Optional[float] = ..., limit: _Optional[int] = ...) -> None: ...

class GetLinkHistoryResponse(_message.Message):
    __slots__ = ("samples", "forecasts")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FORECASTS_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedCompositeFieldContainer[Sample]
    forecasts: _containers.RepeatedCompositeFieldContainer[PastForecast]
    def __init__(self, samples: _Optional[_Iterable[_Union[Sample, _Mapping]]] = ..., forecasts: _Optional[_Iterable[_Union[PastForecast, _Mapping]]] = ...) -> None: ...

class PastForecast(_message.Message):
    __slots__ = ("after_s", "made_at_s", "mode", "source", "model_version", "arm", "served", "step_s", "took_ms", "prediction", "actual_mbps", "actual_mean_mbps")
    class ActualMbpsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    class ActualMeanMbpsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    AFTER_S_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_S_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    ARM_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_MBPS_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_MEAN_MBPS_FIELD_NUMBER: _ClassVar[int]
    after_s: float
    made_at_s: float
    mode: Mode
    source: str
    model_version: str
    arm: str
    served: bool
    step_s: float
    took_ms: float
    prediction: Prediction
    actual_mbps: _containers.ScalarMap[int, float]
    actual_mean_mbps: _containers.ScalarMap[int, float]
    def __init__(self, after_s: _Optional[float] = ..., made_at_s: _Optional[float] = ..., mode: _Optional[_Union[Mode, str]] = ..., source: _Optional[str] = ..., model_version: _Optional[str] = ..., arm: _Optional[str] = ..., served: _Optional[bool] = ..., step_s: _Optional[float] = ..., took_ms: _Optional[float] = ..., prediction: _Optional[_Union[Prediction, _Mapping]] = ..., actual_mbps: _Optional[_Mapping[int, float]] = ..., actual_mean_mbps: _Optional[_Mapping[int, float]] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("points_mbps", "confidence", "unadapted", "quantiles_mbps", "members")
    class MembersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Rates
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Rates, _Mapping]] = ...) -> None: ...
    POINTS_MBPS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    UNADAPTED_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_MBPS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    points_mbps: _containers.RepeatedScalarFieldContainer[float]
    confidence: _containers.RepeatedScalarFieldContainer[float]
    unadapted: _containers.RepeatedScalarFieldContainer[float]
    quantiles_mbps: _containers.RepeatedCompositeFieldContainer[Rates]
    members: _containers.MessageMap[str, Rates]
    def __init__(self, points_mbps: _Optional[_Iterable[float]] = ..., confidence: _Optional[_Iterable[float]] = ..., unadapted: _Optional[_Iterable[float]] = ..., quantiles_mbps: _Optional[_Iterable[_Union[Rates, _Mapping]]] = ..., members: _Optional[_Mapping[str, Rates]] = ...) -> None: ...

class Rates(_message.Message):
    __slots__ = ("mbps",)
    MBPS_FIELD_NUMBER: _ClassVar[int]
    mbps: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, mbps: _Optional[_Iterable[float]] = ...) -> None: ...

class ListEventsRequest(_message.Message):
    __slots__ = ("kind", "link_id", "cursor", "limit")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    link_id: str
    cursor: int
    limit: int
    def __init__(self, kind: _Optional[str] = ..., link_id: _Optional[str] = ..., cursor: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    cursor: int
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., cursor: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("number", "at_s", "kind", "link_id", "body")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    number: int
    at_s: float
    kind: str
    link_id: str
    body: _struct_pb2.Struct
    def __init__(self, number: _Optional[int] = ..., at_s: _Optional[float] = ..., kind: _Optional[str] = ..., link_id: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class WatchEventsRequest(_message.Message):
    __slots__ = ("kind", "link_id", "after")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    link_id: str
    after: int
    def __init__(self, kind: _Optional[str] = ..., link_id: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class ListDriftAlarmsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDriftAlarmsResponse(_message.Message):
    __slots__ = ("alarms",)
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    alarms: _containers.RepeatedCompositeFieldContainer[DriftAlarm]
    def __init__(self, alarms: _Optional[_Iterable[_Union[DriftAlarm, _Mapping]]] = ...) -> None: ...

class DriftAlarm(_message.Message):
    __slots__ = ("link_id", "mode", "stage", "opened_s", "since_s", "ended_s", "changes")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    OPENED_S_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    ENDED_S_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    mode: Mode
    stage: str
    opened_s: float
    since_s: float
    ended_s: float
    changes: _containers.RepeatedCompositeFieldContainer[DriftChange]
    def __init__(self, link_id: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., stage: _Optional[str] = ..., opened_s: _Optional[float] = ..., since_s: _Optional[float] = ..., ended_s: _Optional[float] = ..., changes: _Optional[_Iterable[_Union[DriftChange, _Mapping]]] = ...) -> None: ...

class DriftChange(_message.Message):
    __slots__ = ("what", "before", "after", "since_s", "flagged_s", "confidence")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    FLAGGED_S_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    what: str
    before: float
    after: float
    since_s: float
    flagged_s: float
    confidence: float
    def __init__(self, what: _Optional[str] = ..., before: _Optional[float] = ..., after: _Optional[float] = ..., since_s: _Optional[float] = ..., flagged_s: _Optional[float] = ..., confidence: _Optional[float] = ...) -> None: ...

class GetMetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMetricsResponse(_message.Message):
    __slots__ = ("links", "mode_switches", "scoring", "overall", "modes", "versions", "transfers")
    class ModesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Metrics
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Metrics, _Mapping]] = ...) -> None: ...
    LINKS_FIELD_NUMBER: _ClassVar[int]
    MODE_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    SCORING_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    links: int
    mode_switches: int
    scoring: ScoringBacklog
    overall: Metrics
    modes: _containers.MessageMap[str, Metrics]
    versions: _containers.RepeatedCompositeFieldContainer[VersionMetrics]
    transfers: TransferMetrics
    def __init__(self, links: _Optional[int] = ..., mode_switches: _Optional[int] = ..., scoring: _Optional[_Union[ScoringBacklog, _Mapping]] = ..., overall: _Optional[_Union[Metrics, _Mapping]] = ..., modes: _Optional[_Mapping[str, Metrics]] = ..., versions: _Optional[_Iterable[_Union[VersionMetrics, _Mapping]]] = ..., transfers: _Optional[_Union[TransferMetrics, _Mapping]] = ...) -> None: ...

class GetMetricSeriesRequest(_message.Message):
    __slots__ = ("from_s", "to_s", "step_s", "by", "horizon", "bins")
    FROM_S_FIELD_NUMBER: _ClassVar[int]
    TO_S_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    from_s: float
    to_s: float
    step_s: int
    by: _containers.RepeatedScalarFieldContainer[str]
    horizon: str
    bins: bool
    def __init__(self, from_s: _Optional[float] = ..., to_s: _Optional[float] = ..., step_s: _Optional[int] = ..., by: _Optional[_Iterable[str]] = ..., horizon: _Optional[str] = ..., bins: _Optional[bool] = ...) -> None: ...

class GetMetricSeriesResponse(_message.Message):
    __slots__ = ("from_s", "to_s", "step_s", "horizon", "series")
    FROM_S_FIELD_NUMBER: _ClassVar[int]
    TO_S_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    from_s: float
    to_s: float
    step_s: int
    horizon: int
    series: _containers.RepeatedCompositeFieldContainer[MetricSeries]
    def __init__(self, from_s: _Optional[float] = ..., to_s: _Optional[float] = ..., step_s: _Optional[int] = ..., horizon: _Optional[int] = ..., series: _Optional[_Iterable[_Union[MetricSeries, _Mapping]]] = ...) -> None: ...

class MetricSeries(_message.Message):
    __slots__ = ("mode", "version", "arm", "source", "points", "group")
    MODE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ARM_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    mode: Mode
    version: str
    arm: str
    source: str
    points: _containers.RepeatedCompositeFieldContainer[MetricPoint]
    group: str
    def __init__(self, mode: _Optional[_Union[Mode, str]] = ..., version: _Optional[str] = ..., arm: _Optional[str] = ..., source: _Optional[str] = ..., points: _Optional[_Iterable[_Union[MetricPoint, _Mapping]]] = ..., group: _Optional[str] = ...) -> None: ...

class MetricPoint(_message.Message):
    __slots__ = ("at_s", "scored", "accuracy_20", "confidence", "missed_over", "missed_under", "coverage_50", "coverage_90", "bias_mbps", "mae_mbps", "latency_ms", "bins")
    AT_S_FIELD_NUMBER: _ClassVar[int]
    SCORED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MISSED_OVER_FIELD_NUMBER: _ClassVar[int]
    MISSED_UNDER_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_50_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_90_FIELD_NUMBER: _ClassVar[int]
    BIAS_MBPS_FIELD_NUMBER: _ClassVar[int]
    MAE_MBPS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    at_s: float
    scored: int
    accuracy_20: float
    confidence: float
    missed_over: float
    missed_under: float
    coverage_50: float
    coverage_90: float
    bias_mbps: float
    mae_mbps: float
    latency_ms: Latency
    bins: ConfidenceBins
    def __init__(self, at_s: _Optional[float] = ..., scored: _Optional[int] = ..., accuracy_20: _Optional[float] = ..., confidence: _Optional[float] = ..., missed_over: _Optional[float] = ..., missed_under: _Optional[float] = ..., coverage_50: _Optional[float] = ..., coverage_90: _Optional[float] = ..., bias_mbps: _Optional[float] = ..., mae_mbps: _Optional[float] = ..., latency_ms: _Optional[_Union[Latency, _Mapping]] = ..., bins: _Optional[_Union[ConfidenceBins, _Mapping]] = ...) -> None: ...

class ConfidenceBins(_message.Message):
    __slots__ = ("scored", "hits", "confidence_sum")
    SCORED_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SUM_FIELD_NUMBER: _ClassVar[int]
    scored: _containers.RepeatedScalarFieldContainer[int]
    hits: _containers.RepeatedScalarFieldContainer[int]
    confidence_sum: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scored: _Optional[_Iterable[int]] = ..., hits: _Optional[_Iterable[int]] = ..., confidence_sum: _Optional[_Iterable[float]] = ...) -> None: ...

class TransferMetrics(_message.Message):
    __slots__ = ("scored", "censored", "unscored", "coverage_80", "faster", "slower", "open", "modes")
    class ModesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: TransferSummary
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[TransferSummary, _Mapping]] = ...) -> None: ...
    SCORED_FIELD_NUMBER: _ClassVar[int]
    CENSORED_FIELD_NUMBER: _ClassVar[int]
    UNSCORED_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_80_FIELD_NUMBER: _ClassVar[int]
    FASTER_FIELD_NUMBER: _ClassVar[int]
    SLOWER_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    scored: int
    censored: int
    unscored: int
    coverage_80: float
    faster: float
    slower: float
    open: int
    modes: _containers.MessageMap[str, TransferSummary]
    def __init__(self, scored: _Optional[int] = ..., censored: _Optional[int] = ..., unscored: _Optional[int] = ..., coverage_80: _Optional[float] = ..., faster: _Optional[float] = ..., slower: _Optional[float] = ..., open: _Optional[int] = ..., modes: _Optional[_Mapping[str, TransferSummary]] = ...) -> None: ...

class ScoringBacklog(_message.Message):
    __slots__ = ("due", "oldest_due_s")
    DUE_FIELD_NUMBER: _ClassVar[int]
    OLDEST_DUE_S_FIELD_NUMBER: _ClassVar[int]
    due: int
    oldest_due_s: float
    def __init__(self, due: _Optional[int] = ..., oldest_due_s: _Optional[float] = ...) -> None: ...

class Accuracy(_message.Message):
    __slots__ = ("scored", "accuracy_20", "confidence", "missed_over", "missed_under", "coverage_50", "coverage_90", "bias_mbps", "mae_mbps")
    SCORED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MISSED_OVER_FIELD_NUMBER: _ClassVar[int]
    MISSED_UNDER_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_50_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_90_FIELD_NUMBER: _ClassVar[int]
    BIAS_MBPS_FIELD_NUMBER: _ClassVar[int]
    MAE_MBPS_FIELD_NUMBER: _ClassVar[int]
    scored: int
    accuracy_20: float
    confidence: float
    missed_over: float
    missed_under: float
    coverage_50: float
    coverage_90: float
    bias_mbps: float
    mae_mbps: float
    def __init__(self, scored: _Optional[int] = ..., accuracy_20: _Optional[float] = ..., confidence: _Optional[float] = ..., missed_over: _Optional[float] = ..., missed_under: _Optional[float] = ..., coverage_50: _Optional[float] = ..., coverage_90: _Optional[float] = ..., bias_mbps: _Optional[float] = ..., mae_mbps: _Optional[float] = ...) -> None: ...

class Metrics(_message.Message):
    __slots__ = ("scored", "accuracy_20", "confidence", "missed_over", "missed_under", "coverage_50", "coverage_90", "bias_mbps", "mae_mbps", "intervals", "latency_ms")
    class IntervalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: Accuracy
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[Accuracy, _Mapping]] = ...) -> None: ...
    SCORED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MISSED_OVER_FIELD_NUMBER: _ClassVar[int]
    MISSED_UNDER_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_50_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_90_FIELD_NUMBER: _ClassVar[int]
    BIAS_MBPS_FIELD_NUMBER: _ClassVar[int]
    MAE_MBPS_FIELD_NUMBER: _ClassVar[int]
    INTERVALS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    scored: int
    accuracy_20: float
    confidence: float
    missed_over: float
    missed_under: float
    coverage_50: float
    coverage_90: float
    bias_mbps: float
    mae_mbps: float
    intervals: _containers.MessageMap[int, Accuracy]
    latency_ms: Latency
    def __init__(self, scored: _Optional[int] = ..., accuracy_20: _Optional[float] = ..., confidence: _Optional[float] = ..., missed_over: _Optional[float] = ..., missed_under: _Optional[float] = ..., coverage_50: _Optional[float] = ..., coverage_90: _Optional[float] = ..., bias_mbps: _Optional[float] = ..., mae_mbps: _Optional[float] = ..., intervals: _Optional[_Mapping[int, Accuracy]] = ..., latency_ms: _Optional[_Union[Latency, _Mapping]] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("avg", "p95", "max")
    AVG_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    avg: float
    p95: float
    max: float
    def __init__(self, avg: _Optional[float] = ..., p95: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class VersionMetrics(_message.Message):
    __slots__ = ("scored", "accuracy_20", "confidence", "missed_over", "missed_under", "coverage_50", "coverage_90", "bias_mbps", "mae_mbps", "mode", "source", "version", "arm", "served")
    SCORED_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MISSED_OVER_FIELD_NUMBER: _ClassVar[int]
    MISSED_UNDER_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_50_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_90_FIELD_NUMBER: _ClassVar[int]
    BIAS_MBPS_FIELD_NUMBER: _ClassVar[int]
    MAE_MBPS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ARM_FIELD_NUMBER: _ClassVar[int]
    SERVED_FIELD_NUMBER: _ClassVar[int]
    scored: int
    accuracy_20: float
    confidence: float
    missed_over: float
    missed_under: float
    coverage_50: float
    coverage_90: float
    bias_mbps: float
    mae_mbps: float
    mode: Mode
    source: str
    version: str
    arm: str
    served: bool
    def __init__(self, scored: _Optional[int] = ..., accuracy_20: _Optional[float] = ..., confidence: _Optional[float] = ..., missed_over: _Optional[float] = ..., missed_under: _Optional[float] = ..., coverage_50: _Optional[float] = ..., coverage_90: _Optional[float] = ..., bias_mbps: _Optional[float] = ..., mae_mbps: _Optional[float] = ..., mode: _Optional[_Union[Mode, str]] = ..., source: _Optional[str] = ..., version: _Optional[str] = ..., arm: _Optional[str] = ..., served: _Optional[bool] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    class ModelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Model
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.MessageMap[str, Model]
    def __init__(self, models: _Optional[_Mapping[str, Model]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("mode", "version", "sha256", "window", "horizons", "metrics", "champion", "refused", "registry_away", "asleep", "error", "intervals", "bins")
    MODE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    HORIZONS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_AWAY_FIELD_NUMBER: _ClassVar[int]
    ASLEEP_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    INTERVALS_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    version: str
    sha256: str
    window: int
    horizons: _containers.RepeatedScalarFieldContainer[int]
    metrics: _struct_pb2.Struct
    champion: int
    refused: str
    registry_away: str
    asleep: bool
    error: str
    intervals: _containers.RepeatedScalarFieldContainer[int]
    bins: int
    def __init__(self, mode: _Optional[str] = ..., version: _Optional[str] = ..., sha256: _Optional[str] = ..., window: _Optional[int] = ..., horizons: _Optional[_Iterable[int]] = ..., metrics: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., champion: _Optional[int] = ..., refused: _Optional[str] = ..., registry_away: _Optional[str] = ..., asleep: _Optional[bool] = ..., error: _Optional[str] = ..., intervals: _Optional[_Iterable[int]] = ..., bins: _Optional[int] = ...) -> None: ...

class ListModelVersionsRequest(_message.Message):
    __slots__ = ("mode",)
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: str
    def __init__(self, mode: _Optional[str] = ...) -> None: ...

class ListModelVersionsResponse(_message.Message):
    __slots__ = ("model", "champion", "versions", "history")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    model: str
    champion: Champion
    versions: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    history: _containers.RepeatedCompositeFieldContainer[Champion]
    def __init__(self, model: _Optional[str] = ..., champion: _Optional[_Union[Champion, _Mapping]] = ..., versions: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[Champion, _Mapping]]] = ...) -> None: ...

class Champion(_message.Message):
    __slots__ = ("number", "version", "action", "back", "at_s", "who", "why")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    BACK_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    number: int
    version: str
    action: str
    back: int
    at_s: float
    who: str
    why: str
    def __init__(self, number: _Optional[int] = ..., version: _Optional[str] = ..., action: _Optional[str] = ..., back: _Optional[int] = ..., at_s: _Optional[float] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("version", "at_s", "who", "refused")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AT_S_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    version: str
    at_s: float
    who: str
    refused: str
    def __init__(self, version: _Optional[str] = ..., at_s: _Optional[float] = ..., who: _Optional[str] = ..., refused: _Optional[str] = ...) -> None: ...

class PromoteModelRequest(_message.Message):
    __slots__ = ("mode", "version", "expected_number", "expected_version", "on_behalf_of", "why", "reason")
    MODE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mode: str
    version: str
    expected_number: int
    expected_version: str
    on_behalf_of: str
    why: str
    reason: str
    def __init__(self, mode: _Optional[str] = ..., version: _Optional[str] = ..., expected_number: _Optional[int] = ..., expected_version: _Optional[str] = ..., on_behalf_of: _Optional[str] = ..., why: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PromoteModelResponse(_message.Message):
    __slots__ = ("champion",)
    CHAMPION_FIELD_NUMBER: _ClassVar[int]
    champion: Champion
    def __init__(self, champion: _Optional[_Union[Champion, _Mapping]] = ...) -> None: ...

class RollBackModelRequest(_message.Message):
    __slots__ = ("mode", "expected_number", "expected_version", "on_behalf_of", "why", "reason")
    MODE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mode: str
    expected_number: int
    expected_version: str
    on_behalf_of: str
    why: str
    reason: str
    def __init__(self, mode: _Optional[str] = ..., expected_number: _Optional[int] = ..., expected_version: _Optional[str] = ..., on_behalf_of: _Optional[str] = ..., why: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RollBackModelResponse(_message.Message):
    __slots__ = ("champion",)
    CHAMPION_FIELD_NUMBER: _ClassVar[int]
    champion: Champion
    def __init__(self, champion: _Optional[_Union[Champion, _Mapping]] = ...) -> None: ...

class RetrainModelRequest(_message.Message):
    __slots__ = ("mode", "on_behalf_of", "reason")
    MODE_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    mode: str
    on_behalf_of: str
    reason: str
    def __init__(self, mode: _Optional[str] = ..., on_behalf_of: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RetrainModelResponse(_message.Message):
    __slots__ = ("model", "job")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    model: str
    job: str
    def __init__(self, model: _Optional[str] = ..., job: _Optional[str] = ...) -> None: ...

class GetFlagsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFlagsResponse(_message.Message):
    __slots__ = ("flags",)
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    flags: FlagState
    def __init__(self, flags: _Optional[_Union[FlagState, _Mapping]] = ...) -> None: ...

class FlagState(_message.Message):
    __slots__ = ("version", "flags", "changed_at_s", "changed_by")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_S_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    version: int
    flags: Flags
    changed_at_s: float
    changed_by: str
    def __init__(self, version: _Optional[int] = ..., flags: _Optional[_Union[Flags, _Mapping]] = ..., changed_at_s: _Optional[float] = ..., changed_by: _Optional[str] = ...) -> None: ...

class Flags(_message.Message):
    __slots__ = ("enable_v3_prediction", "v3_rollout_percentage", "force_v1_mode", "enable_hybrid_mode", "enable_mode_detection", "shadow", "automatic_steps", "automatic_return")
    ENABLE_V3_PREDICTION_FIELD_NUMBER: _ClassVar[int]
    V3_ROLLOUT_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    FORCE_V1_MODE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_HYBRID_MODE_FIELD_NUMBER: _ClassVar[int]
    ENABLE_MODE_DETECTION_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    AUTOMATIC_STEPS_FIELD_NUMBER: _ClassVar[int]
    AUTOMATIC_RETURN_FIELD_NUMBER: _ClassVar[int]
    enable_v3_prediction: bool
    v3_rollout_percentage: int
    force_v1_mode: bool
    enable_hybrid_mode: bool
    enable_mode_detection: bool
    shadow: bool
    automatic_steps: bool
    automatic_return: bool
    def __init__(self, enable_v3_prediction: _Optional[bool] = ..., v3_rollout_percentage: _Optional[int] = ..., force_v1_mode: _Optional[bool] = ..., enable_hybrid_mode: _Optional[bool] = ..., enable_mode_detection: _Optional[bool] = ..., shadow: _Optional[bool] = ..., automatic_steps: _Optional[bool] = ..., automatic_return: _Optional[bool] = ...) -> None: ...

class SetFlagsRequest(_message.Message):
    __slots__ = ("version", "flags", "on_behalf_of", "reason")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_OF_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    version: int
    flags: Flags
    on_behalf_of: str
    reason: str
    def __init__(self, version: _Optional[int] = ..., flags: _Optional[_Union[Flags, _Mapping]] = ..., on_behalf_of: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SetFlagsResponse(_message.Message):
    __slots__ = ("flags",)
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    flags: FlagState
    def __init__(self, flags: _Optional[_Union[FlagState, _Mapping]] = ...) -> None: ...

class GetRolloutRequest(_message.Message):
    __slots__ = ("since_s",)
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    since_s: float
    def __init__(self, since_s: _Optional[float] = ...) -> None: ...

class GetRolloutResponse(_message.Message):
    __slots__ = ("since_s", "versions", "overall", "modes")
    class VersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: VersionNames
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[VersionNames, _Mapping]] = ...) -> None: ...
    class ModesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ArmComparison
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ArmComparison, _Mapping]] = ...) -> None: ...
    SINCE_S_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    MODES_FIELD_NUMBER: _ClassVar[int]
    since_s: float
    versions: _containers.MessageMap[str, VersionNames]
    overall: ArmComparison
    modes: _containers.MessageMap[str, ArmComparison]
    def __init__(self, since_s: _Optional[float] = ..., versions: _Optional[_Mapping[str, VersionNames]] = ..., overall: _Optional[_Union[ArmComparison, _Mapping]] = ..., modes: _Optional[_Mapping[str, ArmComparison]] = ...) -> None: ...

class VersionNames(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class ArmComparison(_message.Message):
    __slots__ = ("pairs", "v3_only", "v1_only", "v1", "v3", "evidence", "decides_at", "blocks", "blocks_needed", "block_length_s", "links", "verdict")
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    V3_ONLY_FIELD_NUMBER: _ClassVar[int]
    V1_ONLY_FIELD_NUMBER: _ClassVar[int]
    V1_FIELD_NUMBER: _ClassVar[int]
    V3_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    DECIDES_AT_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_NEEDED_FIELD_NUMBER: _ClassVar[int]
    BLOCK_LENGTH_S_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    pairs: int
    v3_only: int
    v1_only: int
    v1: ArmSummary
    v3: ArmSummary
    evidence: float
    decides_at: float
    blocks: int
    blocks_needed: int
    block_length_s: float
    links: int
    verdict: str
    def __init__(self, pairs: _Optional[int] = ..., v3_only: _Optional[int] = ..., v1_only: _Optional[int] = ..., v1: _Optional[_Union[ArmSummary, _Mapping]] = ..., v3: _Optional[_Union[ArmSummary, _Mapping]] = ..., evidence: _Optional[float] = ..., decides_at: _Optional[float] = ..., blocks: _Optional[int] = ..., blocks_needed: _Optional[int] = ..., block_length_s: _Optional[float] = ..., links: _Optional[int] = ..., verdict: _Optional[str] = ...) -> None: ...

class ArmSummary(_message.Message):
    __slots__ = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")
    ACCURACY_20_FIELD_NUMBER: _ClassVar[int]
    MAE_MBPS_FIELD_NUMBER: _ClassVar[int]
    BIAS_MBPS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    accuracy_20: float
    mae_mbps: float
    bias_mbps: float
    latency_ms: float
    def __init__(self, accuracy_20: _Optional[float] = ..., mae_mbps: _Optional[float] = ..., bias_mbps: _Optional[float] = ..., latency_ms: _Optional[float] = ...) -> None: ...

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhoAmIResponse(_message.Message):
    __slots__ = ("name", "key_id", "role", "links")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    key_id: str
    role: str
    links: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., key_id: _Optional[str] = ..., role: _Optional[str] = ..., links: _Optional[_Iterable[str]] = ...) -> None: ...
