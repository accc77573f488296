"""The documentation against the code, and the promises that the repository makes about itself."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from liptako import __version__
from tests.docs.reference import FOLDER, PAGES

ROOT = Path(__file__).parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 (git)
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    if name and (ROOT / name).is_file()
]
PAGES_OF_DOCS = [path for path in TRACKED if path.suffix == ".md"]
CODE = [path for path in TRACKED if path.suffix == ".py" and "migrations" not in path.parts]

PROGRAM = [path for path in CODE if "src" in path.parts and "tests" not in path.parts]
PROGRAM_LINES, OTHER_LINES, BODY_LINES = 300, 400, 30


def text_of(path):
    return path.read_text(encoding="utf-8", errors="ignore")


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_says_what_the_code_does(name):
    assert text_of(FOLDER / name) == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("page", PAGES_OF_DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_make_target_that_a_page_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = {
        target for page in PAGES_OF_DOCS for target in re.findall(r"`make ([a-z-]+)", text_of(page))
    }
    assert named - targets == set()


def test_every_target_that_is_no_file_has_a_rule():
    makefile = text_of(ROOT / "Makefile").replace("\\\n", " ")
    phony = " ".join(re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)).split()
    assert [name for name in phony if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_every_command_that_a_page_names_exists():
    known = set(re.findall(r"## `liptako ([a-z-]+)", text_of(FOLDER / "commands.md")))
    named = {
        command
        for page in PAGES_OF_DOCS
        for command in re.findall(
            r"^(?:\$ )?liptako (?:--home \S+ )?([a-z][a-z-]+)", text_of(page), re.MULTILINE
        )
    }
    assert named - known == set()


@pytest.mark.parametrize(
    "decision", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda path: path.name
)
def test_every_decision_names_what_was_refused_and_its_price(decision):
    text = text_of(decision)
    assert re.search(r"^## Refused", text, re.MULTILINE)
    assert re.search(r"^## Price", text, re.MULTILINE)


def test_the_changelog_knows_this_version():
    assert f"## {__version__}" in text_of(ROOT / "CHANGELOG.md")


def test_every_dependency_has_a_line_with_its_reason():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    names = [re.split(r"[\[<>=~ ]", line)[0] for line in project["dependencies"]]
    browser = ["ol", "world-atlas", "topojson-client", "@fontsource-variable/noto-sans"]
    reasons = text_of(ROOT / "docs" / "adr" / "0003-dependencies.md")
    assert [name for name in names + browser if f"`{name}`" not in reasons] == []


def test_no_file_names_a_package_index():
    hosts = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js", "deb." + "debian")
    found = [path for path in TRACKED if any(host in text_of(path) for host in hosts)]
    assert found == []


def test_no_file_of_the_public_data_is_in_the_repository():
    suffixes = {".csv", ".geojson", ".mbtiles", ".xlsx", ".pbf"}
    assert [path for path in TRACKED if path.suffix in suffixes] == []
    assert [path for path in TRACKED if path.stat().st_size > 300_000] == []


def test_no_file_of_code_is_longer_than_it_may_be():
    limits = {path: PROGRAM_LINES if path in PROGRAM else OTHER_LINES for path in CODE}
    long = [path for path, limit in limits.items() if len(text_of(path).splitlines()) > limit]
    assert long == []


def body_lines(function):
    """Return how many lines a function has below its head and its docstring."""
    statements = function.body[ast.get_docstring(function) is not None :]
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def test_no_function_of_the_program_is_longer_than_it_may_be():
    functions = [
        (path.name, node.name, body_lines(node))
        for path in PROGRAM
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.FunctionDef)
    ]
    assert [function for function in functions if function[2] > BODY_LINES] == []


def test_the_page_for_contributors_names_the_sizes_that_are_held():
    text = " ".join(text_of(ROOT / "CONTRIBUTING.md").split())
    lint = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["ruff"]["lint"]
    arguments, complexity = lint["pylint"]["max-args"], lint["mccabe"]["max-complexity"]
    for words in (
        f"Files of the program at most {PROGRAM_LINES} lines",
        f"others (tests, tools, bench) at most {OTHER_LINES}",
        f"bodies of its functions at most {BODY_LINES} lines",
        f"arguments at most {arguments}, complexity at most {complexity}",
    ):
        assert words in text


def test_every_file_of_code_begins_with_what_it_knows():
    assert [path for path in CODE if text_of(path) and not text_of(path).startswith('"""')] == []


def test_settings_of_django_are_read_at_the_outer_edge_only():
    edge = {"views.py", "import_views.py", "node.py", "language.py", "jobs.py"}
    edge |= {"helper.py"}  # a program of its own, which sets them
    found = {
        path.name
        for path in CODE
        if "src" in path.parts
        and "tests" not in path.parts
        and re.search(r"from django\.conf import settings", text_of(path))
    }
    assert found - edge == set()


def test_the_environment_is_read_in_one_place_and_by_commands():
    found = {
        str(path.relative_to(ROOT / "src" / "liptako"))
        for path in CODE
        if "src" in path.parts and "tests" not in path.parts and "os.environ" in text_of(path)
    }
    outside = {name for name in found if not name.startswith("cli/")}
    assert outside == {"env.py", "wsgi.py"}


def test_nothing_is_patched_or_mocked_in_tests():
    words = ("unittest" + ".mock", "monkey" + "patch", "mocker" + ".")
    tests = [path for path in CODE if "tests" in path.parts]
    assert [path for path in tests if any(word in text_of(path) for word in words)] == []


def test_all_modules_of_one_shape_have_the_same_file_names():
    """A new name needs a decision (docs/adr/0002)."""
    allowed = set(
        re.findall(r"`(\w+\.py)`", text_of(ROOT / "docs" / "adr" / "0002-layout-and-names.md"))
    )
    modules = ("situation", "administration")
    found = {
        path.name for module in modules for path in (ROOT / "src" / "liptako" / module).glob("*.py")
    }
    assert found - allowed - {"__init__.py"} == set()


def test_ci_calls_make_test_and_nothing_else():
    lines = [
        line for line in text_of(ROOT / ".ci" / "run").splitlines() if not line.startswith("#")
    ]
    assert [line for line in lines if "make" in line] == ["make test"]
