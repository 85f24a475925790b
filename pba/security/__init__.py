"""Who may do what: roles, scopes, keys, and the identity of a caller.

Keys are read and checked here, and what a role may do is one table. Where keys are stored is the
store's business, how one arrives that of each protocol, and how fresh they are that of `serving`.
"""

from pba.security.keys import KeyRecord, new_key
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING, Scope

__all__ = ["EVERYTHING", "KeyRecord", "Role", "Scope", "new_key"]
