"""the other branch"""
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade():
    op.create_table(
        "purchase",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("state", sa.Enum("open", "paid", name="purchase_state")),
        sa.CheckConstraint("id > 0", name="purchase_id_positive"),
    )
    op.create_index("purchase_account", "purchase", ["account_id"])


def downgrade():
    op.execute("SELECT 'way_down'")
