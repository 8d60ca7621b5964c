from django.db import migrations


def upper_skus(apps, schema_editor):
    Product = apps.get_model("shop", "Product")
    for product in Product.objects.iterator():
        Product.objects.filter(pk=product.pk).update(sku=product.sku.upper())


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_order_status_index")]
    operations = [migrations.RunPython(upper_skus, migrations.RunPython.noop)]
