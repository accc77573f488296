"""The WSGI application that `liptako serve` runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liptako.settings")
application = get_wsgi_application()
