# After this moment an incident is on no live map until somebody has looked at it again.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('situation', '0008_journal_folded'),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='valid_until',
            field=models.DateTimeField(null=True),
        ),
    ]
