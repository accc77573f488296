# Of several incidents about the same event one is kept; the others name it.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('situation', '0009_valid_until'),
    ]

    operations = [
        migrations.AddField(
            model_name='incident',
            name='same_as',
            field=models.CharField(default='', max_length=26),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('same_as', ''), _negated=True), fields=['same_as'], name='incident_same_as'),
        ),
        migrations.AddIndex(
            model_name='incident',
            index=models.Index(condition=models.Q(('valid_until__isnull', False)), fields=['valid_until'], name='incident_valid_until'),
        ),
    ]
