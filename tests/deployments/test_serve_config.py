"""serve_config.yaml leaves the deadlines to the service."""

import math
from pathlib import Path

import yaml

from deployments.settings import Settings
from pba.serving.chunking import CHUNK
from pba.serving.group_commit import MAX_ROWS
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[2]


def test_the_request_timeout_of_serve_is_longer_than_the_deadlines_of_any_request():
    """Serve would cancel the request, and answer it by a status and a text of its own."""
    settings = Settings()
    rounds = math.ceil(math.ceil(settings.max_items / CHUNK) / settings.chunks_at_once)
    models_s = rounds * settings.model_deadline_ms / 1000 * settings.chunks_at_once
    rows = settings.max_items * max(profile.window for profile in PROFILES.values())
    record_s = math.ceil(rows / MAX_ROWS) * settings.record_deadline_ms / 1000
    store_s = settings.store_deadline_ms / 1000
    config = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    assert config["http_options"]["request_timeout_s"] > models_s + record_s + store_s
