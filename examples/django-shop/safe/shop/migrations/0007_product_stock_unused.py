from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0006_order_channel_index")]
    operations = [
        # The new servers no longer know the column, so the database has to
        # fill it; the deployed ones still read it, so it stays until they are
        # gone.
        migrations.AlterField(
            model_name="product",
            name="stock",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="product", name="stock")],
        ),
    ]
