"""Who may import whom: the compiler does not reject an undeclared transitive import, this does."""

import json
import pathlib
import re
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "Sources"

#: Every room, with what its door lets in. A room that is not named here may not exist.
DOORS = {
    "Cryptography": {"COpenSSL"},
    "Contracts": {"Cryptography", "CYAML", "CRE2", "CVector"},
    "Ledger": {"CSQLite", "Cryptography"},
    "Kafka": {"CRdKafka", "Contracts", "Replication", "Ledger"},
    "Replication": {"Contracts", "Ledger", "Cryptography"},
    "Operations": {"Ledger", "Contracts"},
    "Lab": {"Kafka", "CRdKafka", "CFlights", "CChild"},
    "Bench": {"Contracts", "Kafka", "Lab", "CAllocator"},
    "crossdock": {
        "Contracts", "Ledger", "Kafka", "Replication", "Operations", "Lab", "Cryptography", "CAllocator",
    },
}
#: Parts of the platform, with the rooms that may use them (None: all of them).
PLATFORM = {
    "Foundation": {"Operations", "Lab", "Replication", "Bench", "crossdock"},
    "FoundationEssentials": {"Operations", "Lab", "crossdock", "Ledger"},
    "Glibc": None,
    "Synchronization": None,
    "Dispatch": {"crossdock", "Lab"},
}
#: C names that belong to one room (and the Lab, where it needs them).
OWNERS = {
    r"\brd_kafka_\w+\(": {"Kafka", "Lab"},
    r"\bsqlite3_\w+\(": {"Ledger"},
    r"\b(EVP_|HMAC\(|RAND_bytes)": {"Cryptography"},
    r"\byaml_\w+\(": {"Contracts"},
    r"\b(ContinuousClock|SuspendingClock|clock_gettime|gettimeofday|Date\(\)|\.now\b)": {
        "Kafka", "Ledger", "Operations", "Lab", "crossdock", "Replication", "Bench",
    },
    r"\bprint\(": {"crossdock", "Bench"},
}
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:private|fileprivate|internal|package|public)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|typealias)\s+)?(\w+)",
    re.MULTILINE,
)

FILES = sorted(path for path in SOURCES.rglob("*.swift"))


def room(path: pathlib.Path) -> str:
    return path.relative_to(SOURCES).parts[0]


def code(path: pathlib.Path) -> str:
    """A file without comments and string contents."""
    text = re.sub(r'"""[\s\S]*?"""', '""', path.read_text())
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    text = re.sub(r"/\*[\s\S]*?\*/", "", text)
    return re.sub(r"//.*", "", text)


@pytest.fixture(scope="module")
def declared() -> dict[str, set[str]]:
    """Dependencies by target, as Package.swift declares them."""
    done = subprocess.run(
        ["swift", "package", "describe", "--type", "json"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    targets = json.loads(done.stdout)["targets"]
    return {
        target["name"]: set(target.get("target_dependencies", []))
        for target in targets if target["type"] in ("library", "executable") and target["module_type"] == "SwiftTarget"
    }


def test_every_room_stands_in_the_table_and_declares_no_more_than_its_door_lets_in(declared):
    assert set(declared) == set(DOORS)
    for name, dependencies in declared.items():
        assert dependencies <= DOORS[name], f"{name}: {dependencies - DOORS[name]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_file_imports_only_what_its_room_declares(path, declared):
    name = room(path)
    for module in IMPORT.findall(code(path)):
        if module in PLATFORM:
            allowed = PLATFORM[module]
            assert allowed is None or name in allowed, f"{name} does not use {module}"
        else:
            assert module in declared[name], f"{name} does not declare {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_file_calls_only_what_its_room_owns(path):
    text = code(path)
    for pattern, owners in OWNERS.items():
        if room(path) not in owners:
            found = re.search(pattern, text)
            assert not found, f"{found.group()} belongs to {', '.join(sorted(owners))}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_file_holds_nothing_forbidden(path):
    text = code(path)
    for pattern in (
        r"\btry!", r"\bas!", r"\bfatalError\(", r"\bpreconditionFailure\(", r"\bpublic\b(?!\s*\))",
        r"\b@unchecked\b.*\bactor\b", r"\bTask\.sleep\b", r"@testable",
    ):
        found = re.search(pattern, text)
        assert not found, f"{found.group()}"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_file_is_one_thing(path):
    assert len(path.read_text().splitlines()) <= 450
