from django.db import migrations

import a_module_that_is_not_installed


class Migration(migrations.Migration):
    dependencies = [("broken", "0001_initial"), ("conflict", "0001_initial")]
    operations = []
