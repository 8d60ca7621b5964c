import os

SECRET_KEY = "test"
INSTALLED_APPS = ["library"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("LIBRARY_NAME", "library"),
        "HOST": os.environ.get("LIBRARY_HOST", "/nowhere"),
        "PORT": os.environ.get("LIBRARY_PORT", ""),
        "USER": os.environ.get("LIBRARY_USER", "postgres"),
    }
}
