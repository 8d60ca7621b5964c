SECRET_KEY = "x"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["squashed", "merged", "conflict", "broken", "custom", "doubt", "lookup", "heirs", "config.apps.Unready"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# The directory is made where the servers run, and is in no checkout.
LOGGING = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "no/such/directory/rough.log"}},
    "root": {"handlers": ["file"]},
}
