from django.apps import AppConfig


class Unready(AppConfig):
    name = "config"

    def ready(self):
        raise ConnectionError("no broker at this address")
