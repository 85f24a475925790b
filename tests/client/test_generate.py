from pba.client.generate import SYNC_CLIENT, sync_source


def test_the_blocking_client_is_what_the_async_one_generates():
    assert SYNC_CLIENT.read_text() == sync_source(), "run python pba/client/generate.py"


def test_no_word_of_the_async_client_is_left():
    assert "async" not in SYNC_CLIENT.read_text().partition('"""\n')[2].lower()
    assert "await" not in SYNC_CLIENT.read_text()
