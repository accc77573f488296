from django.db import migrations, models


def forget_heads(apps, _schema_editor):
    """Heads that hold a count cannot be read any longer; the next exchange brings new ones."""
    apps.get_model("federation", "Peer").objects.update(heads=b"")


class Migration(migrations.Migration):

    dependencies = [
        ("federation", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="peer",
            name="fault_of_try",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(forget_heads, migrations.RunPython.noop),
    ]
