from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0009_position'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='incoming',
            name='spoiled',
        ),
        migrations.AddField(
            model_name='incoming',
            name='spoiled_at',
            field=models.DateTimeField(null=True),
        ),
    ]
