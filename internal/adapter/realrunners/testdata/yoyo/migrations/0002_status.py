from yoyo import group, step

__depends__ = {"0001_orders", "0004_first"}

NAME = 'status'

steps = [
    step("ALTER TABLE orders ADD COLUMN status text", "ALTER TABLE orders DROP COLUMN status"),
    group(
        step("""
            CREATE TABLE lines (id bigint PRIMARY KEY, title text DEFAULT 'it''s 100%');
            CREATE INDEX lines_title_idx ON lines (title)
        """),
        step(apply="UPDATE orders SET " + NAME + " = 'new' "
             "WHERE status IS NULL"),
        ignore_errors="rollback",
    ),
    step("COMMENT ON TABLE orders IS E'a\\'b\u00e9'"),
]
