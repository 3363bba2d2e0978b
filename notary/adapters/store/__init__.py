"""The store: one SQLite file. The only package that imports sqlalchemy, sqlmodel or alembic."""
