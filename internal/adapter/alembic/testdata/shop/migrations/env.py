import os

from alembic import context
from sqlalchemy import create_engine

URL = os.environ.get("SHOP_URL", "postgresql://localhost/shop")


def run_offline():
    context.configure(url=URL, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online():
    with create_engine(URL).connect() as connection:
        context.configure(
            connection=connection,
            transaction_per_migration=bool(os.environ.get("SHOP_EACH")),
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
