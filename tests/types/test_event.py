"""An event and its wire form."""

import json

from pba.types import Event

EVENT = Event("drift", 1_772_366_400.0, "a:b", {"metric": "log_error"}, number=7)


def test_the_wire_form_of_an_event_is_the_documented_one():
    assert EVENT.as_dict() == {
        "number": 7,
        "at": "2026-03-01T12:00:00Z",
        "kind": "drift",
        "link_id": "a:b",
        "body": {"metric": "log_error"},
    }


def test_the_text_of_an_event_is_its_body_as_json():
    assert json.loads(EVENT.text) == EVENT.body
