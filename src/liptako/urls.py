"""All addresses. Each module lists its own; here they are only put under one roof."""

from allauth.account import views as account
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path

from liptako import home
from liptako.web import language
from liptako.web import views as web

urlpatterns = [
    path("", home.home, name="home"),
    path("preferences/", language.preferences, name="preferences"),
    path("sources/", web.sources, name="sources"),
    path("tiles/<int:z>/<int:x>/<int:y>.pbf", web.tile, name="tile"),
    path("account/sign-in/", login_not_required(account.login), name="account_login"),
    path("account/sign-out/", account.logout, name="account_logout"),
    path("account/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/factors/", include("allauth.mfa.urls")),
    path("", include("liptako.administration.urls")),
    path("", include("liptako.situation.urls")),
    path("", include("liptako.federation.urls")),
]

handler404 = "liptako.web.faults.not_found"
handler500 = "liptako.web.faults.broken"
