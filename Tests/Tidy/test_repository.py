"""What every file of the repository must hold to."""

import pathlib
import re
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOP = {
    "Package.swift", "Sources", "Tests", "configs", "runbooks", "README.md", "LICENSE", "CHANGELOG.md",
    "SECURITY.md", ".ci", ".gitignore", ".swift-format",
}


def tracked() -> list[pathlib.Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    return [REPOSITORY / name for name in listing.split("\0") if name and (REPOSITORY / name).exists()]


FILES = tracked()
PAGES = [path for path in FILES if path.suffix == ".md"]
SCRIPTS = [path for path in FILES if path.suffix == "" and path.read_bytes().startswith(b"#!/bin/sh")]


def name(path: pathlib.Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_the_top_level_holds_what_it_should():
    assert {path.relative_to(REPOSITORY).parts[0] for path in FILES} <= TOP


def test_no_file_names_a_machine():
    own = pathlib.Path(__file__)
    for path in FILES:
        if path != own:
            found = re.search(rb"/(?:work|root|home)/[a-z]", path.read_bytes())
            assert not found, f"{name(path)}: {found.group()}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_links_only_to_what_is_there(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_a_script_parses_and_may_be_run(script):
    assert subprocess.run(["sh", "-n", script]).returncode == 0
    assert script.stat().st_mode & 0o111


def test_python_compiles():
    for path in FILES:
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")


def halts() -> set[str]:
    """Reasons that the code halts with, literals or raw values of an enum, and pages that it names."""
    reasons = set()
    for path in (REPOSITORY / "Sources").rglob("*.swift"):
        text = path.read_text()
        reasons |= set(re.findall(r'Halt\(\s*(?:reason:\s*)?"([a-z]+(?:-[a-z]+)*)"', text))
        reasons |= set(re.findall(r"runbooks/halts/([a-z-]+)\.md", text))
        for body in re.findall(r"enum HaltReason\b[^{]*\{(.*?)\n\s*\}", text, re.DOTALL):
            reasons |= set(re.findall(r'case \w+ = "([a-z-]+)"', body))
            reasons |= set(re.findall(r"^\s*case ([a-z]+)$", body, re.MULTILINE))
    return reasons


def test_every_halt_has_its_page_and_every_page_its_halt():
    pages = {path.stem for path in (REPOSITORY / "runbooks" / "halts").glob("*.md")}
    assert halts() == pages


def test_the_readme_gives_two_commands():
    text = (REPOSITORY / "README.md").read_text()
    assert "configs/debian/setup && swift run -c release crossdock demo" in text
    assert re.search(r"^\s*Tests/run$", text, re.MULTILINE)
