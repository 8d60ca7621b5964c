from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_upper_skus")]
    operations = [
        # The deployed servers go on writing "name" only. A later release fills
        # the rest, and one after that drops "name".
        migrations.AddField(
            model_name="customer",
            name="full_name",
            field=models.CharField(max_length=200, null=True),
        ),
    ]
