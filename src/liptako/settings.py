"""Django's settings, made from ours. The environment is read in `env`, nowhere else."""

from ipaddress import ip_address
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from liptako.addresses import Bucket
from liptako.env import read_settings, split_address

LIPTAKO = read_settings()
PACKAGE = Path(__file__).parent

SECRET_KEY = LIPTAKO.secret_key
ALLOWED_HOSTS = list(LIPTAKO.hosts)
DEBUG = False
ROOT_URLCONF = "liptako.urls"
WSGI_APPLICATION = "liptako.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_tasks",
    "django_tasks_db",
    "django_htmx",
    "csp",
    "liptako.web",
    "liptako.ledger",
    "liptako.members",
    "liptako.administration",
    "liptako.federation",
    "liptako.situation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # a page over 64 kbit/s; it hides its length (BREACH)
    "liptako.web.faults.FaultMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "liptako.web.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "liptako.web.faults.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "liptako.members.gate.ActorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],  # before allauth's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "liptako.home.shell",
            ],
        },
    }
]

_db = LIPTAKO.database
if _db.engine == "sqlite3":
    _options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: a signed head that a partner has seen must survive a power cut, or the log forks.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; "
            # A page written again and again is moved out of the journal once, not each time.
            "PRAGMA wal_autocheckpoint=8000"
        ),
    }
else:
    _options = {"connect_timeout": 10}
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{_db.engine}",
        "NAME": _db.name,
        "USER": _db.user,
        "PASSWORD": _db.password,
        "HOST": _db.host,
        "PORT": _db.port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _options,
    }
}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
CACHES = {
    "default": {
        "BACKEND": "liptako.members.accounts.AttemptCache",  # allauth keeps its counts, nobody else
        "LOCATION": LIPTAKO.home / "cache",
    }
}

# People: allauth, without mail (a node may have none), by name of account.
AUTH_USER_MODEL = "members.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "liptako.members.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = f"Liptako {LIPTAKO.member}"
# Passkeys need a secure context; browsers count http://localhost as one, and so do we.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = any(url.startswith("http:") for url in LIPTAKO.listen)


def _is_this_machine(host: str) -> bool:
    """Say whether a host is one that nobody reaches from another machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# Plain http on the machine itself says nothing of the wire. Beside an https address it does not
# make cookies insecure, and whoever uses it can sign in all the same: Chromium and Firefox trust
# localhost and 127.0.0.1 and take secure cookies there.
_addresses = map(split_address, LIPTAKO.listen)
_schemes = {
    name for name, host, _port in _addresses if name == "https" or not _is_this_machine(host)
}
_https_only = _schemes == {"https"}
SESSION_COOKIE_NAME = f"liptako_{LIPTAKO.member.lower()}"  # three nodes may run on one machine
CSRF_FAILURE_VIEW = "liptako.web.faults.stale_form"
CSRF_COOKIE_NAME = f"liptako_csrf_{LIPTAKO.member.lower()}"
LANGUAGE_COOKIE_NAME = f"liptako_language_{LIPTAKO.member.lower()}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https_only
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # a watch
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = LIPTAKO.language
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["liptako.web.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = LIPTAKO.home / "static"
_attachments = LIPTAKO.attachments
if isinstance(_attachments, Bucket):
    _files = {
        "BACKEND": "liptako.ledger.buckets.BucketStorage",
        "OPTIONS": {
            "endpoint_url": _attachments.url,
            "bucket_name": _attachments.name,
            "access_key": _attachments.key,
            "secret_key": _attachments.secret,
        },
    }
else:
    _files = {
        "BACKEND": "liptako.ledger.storages.FolderStorage",
        "OPTIONS": {"location": _attachments},
    }
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "attachments": _files,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 2**20  # one exchange

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LIPTAKO.log_level.upper()},
}
