"""The lag report beside Kafka's own."""

import re

from Cluster.harness import flights, topics


def consumer_groups(broker, group: str, topic: str) -> dict[int, tuple[int, int, int]]:
    """(CURRENT-OFFSET, LOG-END-OFFSET, LAG) by partition, as kafka-consumer-groups.sh prints them."""
    rows = {}
    for line in broker.tool("kafka-consumer-groups.sh", "--describe", "--group", group).splitlines():
        found = re.match(rf"{re.escape(group)}\s+{re.escape(topic)}\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", line)
        if found:
            partition, *figures = map(int, found.groups())
            rows[partition] = tuple(figures)
    return rows


def figures(report: dict) -> dict[int, tuple[int, int, int]]:
    return {p["partition"]: (p["currentOffset"], p["logEndOffset"], p["lag"]) for p in report["partitions"]}


def test_lag_equals_kafka_consumer_groups_while_the_service_is_down(clusters, workspace, route):
    r = route(partitions=3)
    topics.produce(clusters.internal, r.source, flights.rows(900, partitions=3))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    topics.produce(clusters.internal, r.source, (flights.Row(b"k", b"{}", partition=n % 2) for n in range(71)))
    ours = figures(workspace.lag())
    assert ours == consumer_groups(clusters.internal, "crossdock.flights-skyways", r.source)
    assert [ours[p][2] for p in range(3)] == [36, 35, 0]


def test_lag_equals_kafka_consumer_groups_while_the_service_waits_for_its_partner(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(500, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    service = workspace.start()
    workspace.await_lag(lambda report: report["lag"] == 0, "the first records")
    clusters.skyways.pause()
    topics.produce(clusters.internal, r.source, flights.rows(333, partitions=2, first=500))
    behind = workspace.await_lag(lambda report: report["lag"] == 333, "a lag")
    assert figures(behind) == consumer_groups(clusters.internal, "crossdock.flights-skyways", r.source)
    clusters.skyways.proceed()
    workspace.await_lag(lambda report: report["lag"] == 0, "the backlog", 90)
    assert service.stop() == 0


def test_the_table_and_the_json_say_the_same(clusters, workspace, route):
    r = route(partitions=2)
    topics.produce(clusters.internal, r.source, flights.rows(300, partitions=2))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    report = workspace.lag()
    table = workspace.run("lag").stdout
    for row in report["partitions"]:
        line = next(
            line.split() for line in table.splitlines() if re.match(rf".*\s{row['partition']}\s", line + " ")
        )
        for figure in ("currentOffset", "logEndOffset", "lag", "delivered", "filtered"):
            assert str(row[figure]) in line, (figure, line)


def test_the_report_has_exactly_the_documented_members(clusters, workspace, route):
    r = route(partitions=1)
    topics.produce(clusters.internal, r.source, flights.rows(10, partitions=1))
    workspace.contract(flights.contract(r.source, r.target))
    workspace.catch_up()
    contract = workspace.lag()
    assert list(contract) == ["id", "version", "status", "lag", "timeLagSeconds", "partitions"]
    assert list(contract["partitions"][0]) == [
        "stream", "topic", "partition", "currentOffset", "logStartOffset", "logEndOffset", "lag",
        "timeLagSeconds", "read", "delivered", "filtered", "dropped", "quarantined", "gaps", "status", "reason",
    ]
