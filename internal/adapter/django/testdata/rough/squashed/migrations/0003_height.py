from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("squashed", "0001_squashed_0002")]
    operations = [migrations.AddField("box", "height", models.IntegerField(null=True))]
