"""Alembic migrations from each version of the schema to the next; `pba.store.migrate` runs them."""
