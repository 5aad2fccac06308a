"""`crossdock preview` shows what would leave of real records, and neither writes nor commits anything."""

import json

from Cluster.harness import flights, topics


def preview(workspace, *words: str) -> list[dict]:
    done = workspace.run("preview", *words, "--json")
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def left_behind(clusters) -> tuple[set[str], set[str]]:
    """Groups of the internal cluster, topics of the partner's."""
    groups = clusters.internal.admin.list_consumer_groups().result(timeout=30)
    return {group.group_id for group in groups.valid}, set(clusters.skyways.admin.list_topics(timeout=30).topics)


def test_when_a_contract_is_previewed_real_records_are_decided_and_nothing_is_left_behind(
    clusters, workspace, route
):
    way = route(partitions=2)
    topics.produce(clusters.internal, way.source, flights.rows(200, partitions=2))
    contract = str(workspace.contract(flights.contract(way.source, way.target)))

    before = left_behind(clusters)
    whole = preview(workspace, contract, "--from", "earliest", "--limit", "1000")
    assert len(whole) == 200
    assert {(row["partition"], row["offset"]) for row in whole} == {
        (partition, offset) for partition in range(2) for offset in range(100)
    }
    decisions = {row["decision"] for row in whole}
    assert {"delivered", "filtered"} <= decisions
    assert all((row["output"] is not None) == (row["decision"] == "delivered") for row in whole)
    assert all(row["reason"] for row in whole if row["decision"] != "delivered")

    # From a place on, and the newest ones; the same record, the same decision.
    by_place = {(row["partition"], row["offset"]): row for row in whole}
    later = preview(workspace, contract, "--from", "90", "--limit", "1000")
    assert {row["offset"] for row in later} == set(range(90, 100)) and len(later) == 20
    newest = preview(workspace, contract, "--limit", "5")
    assert len(newest) == 5 and all(row["offset"] >= 95 for row in newest)
    assert all(by_place[row["partition"], row["offset"]] == row for row in later + newest)

    assert topics.ends(clusters.skyways, way.target) == [0, 0]
    assert left_behind(clusters) == before
    assert not workspace.ledger.exists()
