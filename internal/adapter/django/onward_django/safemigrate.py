"""What django-safemigrate keeps back until the deploy is over."""
from django.apps import apps
from django.conf import settings


def after_deploy(migration):
    """Whether a migration says so itself, in a project that uses the package.

    What the class says is a Safe, or the method that makes one; before its version
    4 a member of an Enum.
    """
    if not apps.is_installed("django_safemigrate"):
        return False
    if str(getattr(settings, "SAFEMIGRATE", None) or "strict").lower() == "disabled":
        return False
    safe = getattr(migration, "safe", None)
    if callable(safe):
        safe = safe()
    when = getattr(safe, "when", safe)
    return getattr(when, "name", "").lower() == "after_deploy"
