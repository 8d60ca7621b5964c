"""Adds the status of orders."""

from yoyo import step

__depends__ = {"0001_orders"}

TABLE = "orders"


def fill(conn):
    step("not a step")
    with conn.cursor() as cursor:
        cursor.execute("UPDATE orders SET status = 'x'")


steps = [
    step(
        "ALTER TABLE orders ADD COLUMN status text",
        "ALTER TABLE orders DROP COLUMN status -- way_down",
    ),
    step(
        """
        CREATE TABLE lines (
            id bigint PRIMARY KEY,
            title text DEFAULT 'it''s'
        );
        CREATE INDEX lines_title_idx ON lines (title)
        """,
        "DROP TABLE lines -- way_down",
        ignore_errors="rollback",
    ),
    step("UPDATE " + TABLE + " SET status = 'new' "
         "WHERE status IS NULL"),
    step(fill),
    step("ALTER TABLE orders ALTER COLUMN status SET DEFAULT E'a\\'b'"),
]
