"""The built binary as a function: expressions or record values in, what `preview --json` says out."""

import json
import os
import pathlib
import random
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
HEAD = """apiVersion: crossdock/v1
kind: ReplicationContract
id: differential
version: 1.0.0
status: active
source: {cluster: a}
target: {cluster: b}
streams:
"""


def seed() -> int:
    """Any for a long run; the short one, which is a gate, does not depend on luck."""
    named = os.environ.get("CROSSDOCK_SEED")
    return int(named) if named else random.randrange(10**6) if "CROSSDOCK_DIFFERENTIAL" in os.environ else 1


def binary() -> str | None:
    named = os.environ.get("CROSSDOCK_BINARY")
    built = pathlib.Path(named) if named else REPOSITORY / ".build" / "release" / "crossdock"
    return str(built) if built.is_file() else None


def run(folder: pathlib.Path, *words: str, given: bytes = b"") -> bytes:
    done = subprocess.run([binary(), *words], input=given, capture_output=True, cwd=folder, timeout=600)
    assert done.returncode == 0 or words[0] == "validate", (words, done.returncode, done.stderr.decode())
    return done.stdout


def write(folder: pathlib.Path, streams: list[dict]) -> pathlib.Path:
    """A contract with a stream a line, so that a diagnostic's line tells the stream."""
    path = folder / "contract.yaml"
    path.write_text(HEAD + "".join(f"- {json.dumps(stream)}\n" for stream in streams))
    return path


def stream(topic: str, **more) -> dict:
    return {"from": topic, "to": f"to-{topic}", "format": "json", "key": "drop", "fields": []} | more


def mistakes(folder: pathlib.Path, streams: list[dict]) -> dict[int, str]:
    """The first error of each stream that has one, by the stream's index."""
    report = json.loads(run(folder, "validate", "--json", str(write(folder, streams))))
    first = HEAD.count("\n") + 1
    found: dict[int, str] = {}
    for mistake in report["contracts"][0]["diagnostics"]:
        if mistake["severity"] == "error":
            found.setdefault(mistake["line"] - first, mistake["message"])
    return found


def preview(folder: pathlib.Path, streams: list[dict], records: list[dict]) -> list[dict]:
    """What became of each record (lines of kcat -J), in the order of the streams and then of the records."""
    contract = write(folder, streams)
    given = "\n".join(json.dumps(record) for record in records).encode()
    out = run(folder, "preview", str(contract), "--input", "-", "--json", given=given)
    return [json.loads(line) for line in out.splitlines()]


def preview_values(folder: pathlib.Path, one: dict, values: list[bytes]) -> list[dict]:
    """What became of each record value; none may hold a line feed or be empty."""
    contract = write(folder, [one])
    given = b"\n".join(values)
    out = run(folder, "preview", str(contract), "--values", "-", "--json", given=given)
    return [json.loads(line) for line in out.splitlines()]
