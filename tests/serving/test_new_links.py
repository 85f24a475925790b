"""A reporter does not make a million links."""

from collections.abc import Sequence

import pytest

from pba.errors import LimitReached, StoreUnavailable
from pba.security.identity import ANYBODY, Identity
from pba.security.limits import Limits
from pba.security.roles import Role
from pba.security.scopes import Scope
from pba.serving.caller_limits import CallerLimits
from pba.serving.new_links import NewLinks


class Links:
    """The links that there are, and how often they are counted."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.counts = 0
        self.away = False
        self.now_s = 100.0

    def existing_links(self, link_ids: Sequence[str]) -> set[str]:
        if self.away:
            raise StoreUnavailable("away")
        return self.names.intersection(link_ids)

    def count_links(self, scope: Scope, most: int) -> int:
        self.counts += 1
        return min(most, sum(map(scope.allows, self.names)))


@pytest.fixture
def links() -> Links:
    return Links()


@pytest.fixture
def checked(links: Links) -> NewLinks:
    limits = CallerLimits(clock=lambda: links.now_s)
    return NewLinks(limits, links, 5.0)


def reporter(max_links: int | None, *patterns: str) -> Identity:
    limits = Limits(max_links=max_links)
    return Identity("fra1", Role.REPORTER, Scope(patterns or ("fra1:*",)), "id", limits)


async def test_new_links_beyond_the_limit_are_refused_and_existing_ones_are_not(
    links: Links, checked: NewLinks
):
    links.names = {"fra1:0", "ams2:0", "ams2:1"}
    errors = await checked.errors(reporter(3), ["fra1:0", "fra1:1", "fra1:2", "fra1:3", "fra1:4"])
    assert list(errors) == ["fra1:3", "fra1:4"]
    assert all(isinstance(error, LimitReached) for error in errors.values())
    assert "max_links" in str(errors["fra1:3"])


async def test_what_was_accepted_counts_at_once(links: Links, checked: NewLinks):
    for number in range(5):
        errors = await checked.errors(reporter(3), [f"fra1:{number}"])
        assert bool(errors) == (number >= 3)
    assert links.counts == 1


async def test_links_that_were_deleted_make_room(links: Links, checked: NewLinks):
    links.names = {"fra1:0", "fra1:1"}
    assert await checked.errors(reporter(2), ["fra1:2"])
    links.names = {"fra1:0"}
    links.now_s += 10
    assert not await checked.errors(reporter(2), ["fra1:2"])


async def test_without_a_limit_the_store_is_not_read(links: Links, checked: NewLinks):
    links.away = True
    for identity in (reporter(None), ANYBODY):
        assert await checked.errors(identity, ["fra1:0"]) == {}


async def test_while_the_store_is_away_nothing_is_refused_for_that(links: Links, checked: NewLinks):
    links.away = True
    assert await checked.errors(reporter(1), ["fra1:0", "fra1:1"]) == {}


async def test_a_reporter_cannot_create_a_million_links(links: Links, checked: NewLinks):
    for start in range(0, 20_000, 1000):
        names = [f"fra1:{number}" for number in range(start, start + 1000)]
        errors = await checked.errors(reporter(1500), names)
        links.names.update(name for name in names if name not in errors)
        links.now_s += 1
    assert len(links.names) == 1500
