"""SQL of the author"""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute(
        """
        UPDATE account SET email = lower(email)
         WHERE email LIKE '%@example.com' -- all of them
        """
    )
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        bind.execute(sa.text("UPDATE account SET shade = 'red' WHERE email = :email"), {"email": "it's"})
    for table in ("account",):
        op.execute("COMMENT ON TABLE " + table + " IS 'people'")


def downgrade():
    op.execute("SELECT 'way_down'")
