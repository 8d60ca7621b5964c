"""a branch"""
from alembic import op
from shop_migration_helpers import add_note

revision = "0004"
down_revision = "0003"


def upgrade():
    add_note("account")


def downgrade():
    op.execute("SELECT 'way_down'")
