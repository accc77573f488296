"""What may tell who somebody is, in the words in which officers write it; and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.personal import Finding, Sort, read_lexicon
from liptako.core.personal import findings as found_in

LEXICON = read_lexicon(
    """# titles
    !M
    !nommé
    !Hadj
    !Mme
    !colonel
    !général
    !maire
    !préfet
    !Dr
    !imam
    !alias

    Moussa
    Traoré
    ouedraogo
    Aïssata
    Coulibaly
    """
)


def findings(text):
    return found_in(text, LEXICON)


@pytest.mark.parametrize(
    "number",
    [
        "70 12 34 56",
        "70.12.34.56",
        "70-12-34-56",
        "76123456",
        "+223 76 12 34 56",
        "00 226 70 12 34 56",
        "+22790123456",
        "0033 6 12 34 56 78",
        "01 23 45 67 89",
    ],
)
def test_numbers_of_telephones_are_found(number):
    assert findings(f"Joindre le {number} avant midi.") == [Finding(Sort.PHONE, number)]


@pytest.mark.parametrize(
    "text",
    [
        "le 2026-11-28 à 14 h 30",
        "le 28.11.2026",
        "le 28-11-2026",
        "fichier 20261128",
        "12 000 000 de francs",
        "1 500 000 000 FCFA",
        "1.250.000 déplacés",
        "14.3512, -3.6104",
        "à 14.35123456 N",
        "ML-2026-7K3F",
        "3 blessés, 12 déplacés, 150 familles",
        "entre 10 et 15",
        "30PVC 12345 67890/2",
        "lot 12345 67890",
        "série 00 1 2 3 4 5",
        "",
    ],
)
def test_dates_amounts_and_coordinates_are_none(text):
    assert findings(text) == []


@pytest.mark.parametrize("number", ["123456789012345", "19850412123456"])
def test_numbers_of_papers_are_found(number):
    assert findings(f"carte {number}") == [Finding(Sort.PAPER, number)]


def test_addresses_of_mail_are_found():
    assert findings("écrire à a.b-c@poste.example.ml.") == [
        Finding(Sort.MAIL, "a.b-c@poste.example.ml")
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Vu avec Moussa Exemple au marché", "Moussa Exemple"),
        ("le nommé Exemple Inconnu a fui", "Exemple Inconnu"),
        ("M. EXEMPLE est blessé", "EXEMPLE"),
        ("El Hadj Exemple", "Exemple"),
        ("selon Mme Exemple-Test", "Exemple-Test"),
        ("le colonel Exemple", "Exemple"),
        ("Dr. Exemple", "Exemple"),
        ("les Traoré de Gao", "Traoré"),
        ("OUÉDRAOGO Exemple", "OUÉDRAOGO Exemple"),
        ("l’imam Exemple", "Exemple"),
        ("alias Exemple.", "Exemple"),
        ("vu par Aïssata", "Aïssata"),
        ("Aïssata. Gao attend", "Aïssata"),
        ("chez Coulibaly N’Golo", "Coulibaly N’Golo"),
        ("M. O. Exemple", "O. Exemple"),
    ],
)
def test_names_are_found_by_what_stands_before_them_or_by_a_name_of_the_region(text, name):
    assert findings(text) == [Finding(Sort.NAME, name)]


@pytest.mark.parametrize(
    "text",
    [
        "Attaque d’un convoi à Ansongo",
        "Le maire a demandé de l’eau. Gao attend.",
        "Le préfet de Téra, puis Niamey",
        "Marché de Gossi, Gourma Rharous",
        "La Croix-Rouge du Mali",
        "Général : rien à signaler",
        "ALERTE CRUE",
        "Vu le maire. Gao attend",
        "Le colonel, Gao, Kidal",
        "M.",
    ],
)
def test_places_and_offices_are_none(text):
    assert findings(text) == []


def test_each_is_named_once():
    assert findings("Moussa, puis Moussa ; 70 12 34 56 et 70 12 34 56") == [
        Finding(Sort.PHONE, "70 12 34 56"),
        Finding(Sort.NAME, "Moussa"),
    ]


@given(st.text())
def test_any_text_is_read_and_what_is_found_stands_in_it(text):
    assert all(item.text in text for item in findings(text))
