# The lines of the journal that are there already get what they are searched by.

from django.db import migrations, models

from liptako.core.wording import folded


def fold(apps, _schema_editor):
    entries = apps.get_model("situation", "JournalEntry")._default_manager
    batch = []
    for entry in entries.exclude(text="").iterator():
        entry.folded = folded(entry.text)
        batch.append(entry)
        if len(batch) == 1000:
            entries.bulk_update(batch, ["folded"])
            batch.clear()
    entries.bulk_update(batch, ["folded"])


class Migration(migrations.Migration):

    dependencies = [
        ('situation', '0007_object_without_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='journalentry',
            name='folded',
            field=models.TextField(default=''),
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
    ]
