"""Runs migrations of Django. Arguments: for each run, the file of a migration, and a URL. Prints a line for each run."""
import os
import sys
from urllib.parse import urlsplit

runs = sys.argv[1:]
root = os.path.dirname(os.path.dirname(os.path.dirname(runs[0])))
os.chdir(root)
sys.path.insert(0, root)
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django

django.setup()
from django.core.management import call_command
from django.db import connection

for file, url in zip(runs[::2], runs[1::2]):
    at = urlsplit(url)
    connection.close()
    connection.settings_dict.update(NAME=at.path[1:], HOST=at.hostname, PORT=str(at.port), USER=at.username)
    app = os.path.basename(os.path.dirname(os.path.dirname(file)))
    try:
        call_command("migrate", app, verbosity=0, skip_checks=True)
        print("ok")
    except Exception as error:
        print("failed: " + " ".join(str(error).split()))
connection.close()
