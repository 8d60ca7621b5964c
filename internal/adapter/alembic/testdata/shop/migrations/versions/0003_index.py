"""an index beside the traffic"""
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    op.add_column("account", sa.Column("age", sa.Integer(), server_default="0"))
    with op.get_context().autocommit_block():
        op.create_index("account_email", "account", ["email"], postgresql_concurrently=True)
    op.alter_column("account", "age", nullable=False)


def downgrade():
    op.execute("SELECT 'way_down'")
