"""Tickets get a code, and notes one text."""
from django.db import migrations, models

LENGTH = 3


def fill_codes(apps, schema_editor):
    # The column is in the models of this migration only.
    Ticket = apps.get_model("shop", "Ticket")
    for ticket in Ticket.objects.all():
        ticket.code = ticket.note[:LENGTH]
        ticket.save()


def join_texts(apps, schema_editor):
    Note = apps.get_model("shop", "Note")
    for note in Note.objects.exclude(draft=""):
        Note.objects.filter(pk=note.pk).update(whole=note.text + note.draft)


class Migration(migrations.Migration):
    initial = False
    dependencies = [("shop", "0001_initial")]

    operations = [
        migrations.AddField("ticket", "code", models.CharField(max_length=20, null=True)),
        migrations.AddField("parcel", "size", models.IntegerField(db_default=5)),
        # Old tickets have none.
        migrations.RunPython(
            fill_codes,
            migrations.RunPython.noop,
        ),
        migrations.AddField("note", "whole", models.TextField(null=True)),
        migrations.RunPython(join_texts, migrations.RunPython.noop),
        migrations.AlterField("ticket", "code", models.CharField(max_length=20)),
        migrations.RemoveField("note", "draft"),
        migrations.AddIndex("parcel", models.Index(fields=["size"], name="parcel_size")),
    ]
