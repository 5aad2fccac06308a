"""The harness on its own clusters, without the service."""

from Cluster.harness import flights, topics
from Cluster.harness.processes import wait_until


def test_an_open_transaction_is_told_from_a_decided_one(clusters, route):
    topic = route(2).target
    producer = topics.transactional_producer(clusters.skyways, f"harness-{topic}")
    producer.begin_transaction()
    topics.produce(clusters.skyways, topic, flights.rows(10, partitions=2), producer)
    assert topics.has_open_transaction(clusters.skyways, topic)
    assert topics.read(clusters.skyways, topic) == [[], []]
    assert sum(map(len, topics.read(clusters.skyways, topic, committed=False))) == 10
    producer.commit_transaction(30)
    # The coordinator answers before the control records stand in the topic.
    wait_until(lambda: not topics.has_open_transaction(clusters.skyways, topic), "the commit's records")
    assert [len(records) for records in topics.read(clusters.skyways, topic)] == [5, 5]
    assert topics.ends(clusters.skyways, topic) == [6, 6], "records and the commit's control record"


def test_a_killed_broker_keeps_its_data_and_serves_again(clusters, route):
    topic = route(1).target
    topics.produce(clusters.skyways, topic, flights.rows(5, partitions=1))
    clusters.skyways.kill()
    clusters.skyways.ensure_up()
    assert len(topics.read(clusters.skyways, topic)[0]) == 5
