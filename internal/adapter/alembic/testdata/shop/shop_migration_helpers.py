from alembic import op


def add_note(table):
    op.execute(f"ALTER TABLE {table} ADD COLUMN note text")
