"""after it"""
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade():
    op.drop_column("account", "note")
    op.alter_column("purchase", "total", new_column_name="amount", existing_type=sa.Numeric(12, 2))


def downgrade():
    op.execute("SELECT 'way_down'")
