"""both"""
revision = "0006"
down_revision = ("0004", "0005")


def upgrade():
    pass


def downgrade():
    pass
