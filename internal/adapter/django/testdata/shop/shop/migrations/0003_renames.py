from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_toggles"), ("accounts", "0003_full_name")]
    operations = [
        migrations.RenameModel("Tag", "Label"),
        migrations.RenameModel("Product", "Item"),
        migrations.RenameField("order", "products", "items"),
        migrations.RenameField("item", "code", "sku"),
        migrations.RenameField("sticker", "product", "item"),
        migrations.RenameField("sticker", "tag", "label"),
        migrations.AlterModelTable("item", "shop_article"),
        migrations.AlterField("item", "sku", models.CharField(max_length=30, db_column="stock_code")),
        migrations.RenameField("item", "tags", "labels"),
        migrations.AlterField("label", "slug", models.SlugField()),
        migrations.RemoveField("item", "rank"),
    ]
