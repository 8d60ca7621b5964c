"""accounts"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade():
    color = postgresql.ENUM("red", "green", name="color")
    color.create(op.get_bind(), checkfirst=True)
    color.create(op.get_bind(), checkfirst=True)
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("shade", postgresql.ENUM("red", "green", name="color", create_type=False)),
    )
    account = sa.table("account", sa.column("email", sa.Text))
    op.bulk_insert(account, [{"email": "a@example.com"}, {"email": "50%@example.com"}])


def downgrade():
    op.execute("SELECT 'way_down'")
