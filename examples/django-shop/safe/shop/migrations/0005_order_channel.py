from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0004_customer_full_name")]
    operations = [
        # db_default stays in the database: servers that do not know the
        # column can still insert.
        migrations.AddField(
            model_name="order",
            name="channel",
            field=models.CharField(db_default="web", max_length=10),
        ),
    ]
