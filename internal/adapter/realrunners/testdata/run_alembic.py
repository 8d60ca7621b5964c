"""Runs revisions of Alembic. Arguments: for each run, the file of a revision, which has its name, and a URL. Prints a line for each run."""
import os
import sys

from alembic import command
from alembic.config import Config

runs = sys.argv[1:]
for file, url in zip(runs[::2], runs[1::2]):
    migrations = os.path.dirname(os.path.dirname(file))
    config = Config()
    config.set_main_option("script_location", migrations)
    config.attributes["url"] = url.replace("postgres://", "postgresql+psycopg://")
    sys.path.insert(0, os.path.dirname(migrations))
    try:
        command.upgrade(config, os.path.splitext(os.path.basename(file))[0])
        print("ok")
    except Exception as error:
        print("failed: " + " ".join(str(error).split()))
