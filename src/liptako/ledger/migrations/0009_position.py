
import liptako.ledger.fields
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0008_attachments'),
    ]

    operations = [
        migrations.AlterField(
            model_name='entry',
            name='position',
            field=liptako.ledger.fields.PositionField(primary_key=True, serialize=False),
        ),
    ]
