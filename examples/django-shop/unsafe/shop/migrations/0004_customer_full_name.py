from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_upper_skus")]
    operations = [
        migrations.RenameField(model_name="customer", old_name="name", new_name="full_name"),
        migrations.RunSQL(
            "UPDATE shop_customer SET full_name = btrim(full_name)",
            migrations.RunSQL.noop,
        ),
    ]
