"""what the rows say"""
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade():
    op.execute("ALTER TABLE purchase ADD COLUMN total numeric(12, 2)")
    for row in op.get_bind().execute(sa.text("SELECT id FROM account ORDER BY id")):
        op.execute("UPDATE account SET age = %d WHERE id = %d" % (row[0], row[0]))


def downgrade():
    op.execute("SELECT 'way_down'")
