import os

import django

print("settings are being imported")  # a project may print: the answer must not care

SECRET_KEY = "x"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "accounts",
    "shop",
    "names",
]
if django.VERSION >= (5, 0):
    INSTALLED_APPS.append("modern")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("SHOP_DB_NAME", "shop"),
        "HOST": os.environ.get("SHOP_DB_HOST", "/nowhere"),
        "PORT": os.environ.get("SHOP_DB_PORT", ""),
        "USER": os.environ.get("SHOP_DB_USER", "postgres"),
    }
}
