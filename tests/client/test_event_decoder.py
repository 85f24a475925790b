"""Server-sent events are the same however their text is cut, and as httpx-sse reads them."""

import httpx
import httpx_sse
from hypothesis import given, strategies as st

from pba.client.event_decoder import EventDecoder, ServerEvent

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=5)
LINES = st.sampled_from(["data: ", "data:", "event: ", "id: ", ": ", "retry: 5 ", "x", ""])
TEXTS = st.lists(st.tuples(LINES, VALUES, st.sampled_from(["\n", "\r\n", "\r"])), max_size=20)


def events(*pieces: str) -> list[ServerEvent]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.events(piece)]


@given(lines=TEXTS, cuts=st.sets(st.integers(0, 60)))
def test_a_stream_is_read_alike_however_it_is_cut(lines, cuts):
    text = "".join(map("".join, lines)) + "\n\n"
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[begin:end] for begin, end in zip(places, places[1:], strict=False)]
    assert events(*pieces) == events(text) == by_httpx_sse(text)


def by_httpx_sse(text: str) -> list[ServerEvent]:
    """Return the events that the library finds, those without data left out."""
    response = httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})
    read = httpx_sse.EventSource(response).iter_sse()
    return [ServerEvent(one.event, one.data, one.id) for one in read if one.data]
