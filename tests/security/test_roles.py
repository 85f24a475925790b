import pytest

from pba.errors import InvalidInput
from pba.security.roles import Role, parse_role


@pytest.mark.parametrize("role", Role)
def test_a_role_includes_itself_and_those_before_it(role: Role):
    order = [Role.READER, Role.REPORTER, Role.OPERATOR, Role.ADMIN]
    included = [other for other in order if role.includes(other)]
    assert included == order[: order.index(role) + 1]


def test_a_role_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InvalidInput, match="reader, reporter, operator, admin"):
        parse_role("root")
