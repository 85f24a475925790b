"""Who may do what: roles, scopes, keys, the identity of a caller, and the chain of the audit.

Keys are read and checked here, and what a role may do is one table. Where keys are stored is the
store's business, how one arrives that of each protocol, and how fresh they are that of `serving`.
"""

from pba.security.author import LOCAL, Author
from pba.security.keys import KeyRecord, new_key
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING, Scope

__all__ = ["EVERYTHING", "LOCAL", "Author", "KeyRecord", "Role", "Scope", "new_key"]
