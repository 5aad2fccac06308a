/// What `crossdock init` writes. Tests read both with the readers.
enum InitTemplates {
    static let configuration = """
        # The operator's file: where things are. What may leave stands in the contracts.
        # Paths are relative to this file. Secrets are named, never written here:
        # ${env:NAME} is an environment variable, ${file:PATH} a file.

        stateDirectory: ./state            # the ledger; on a local disk, never on a network share

        contracts: [contracts/*.yaml]

        # Kafka client keys (librdkafka's CONFIGURATION.md), verbatim. The names are ours: contracts
        # speak of clusters by them. What exactly-once needs (acks, isolation.level, ...) is
        # Crossdock's own and refused here.
        clusters:
          internal:
            bootstrap.servers: 127.0.0.1:9092
          partner:
            bootstrap.servers: broker.partner.example:9092
            # security.protocol: SASL_SSL
            # sasl.mechanism: SCRAM-SHA-512
            # sasl.username: crossdock
            # sasl.password: ${file:./secrets/partner.password}

        # Keys of pseudonyms, by name; at least 16 bytes each, 'base64:' before binary ones.
        # One key a partner: the same person has another token at every partner.
        # keys:
        #   partner-2026: ${file:./secrets/partner-2026.key}

        # Crossdock's place in the stream is kept in each partner's cluster, inside the transactions
        # that carry the records. The partner can read the topic, not what it says: the key seals it.
        checkpoints:
          topic: crossdock.checkpoints
          key: ${file:./secrets/checkpoints.key}

        # Refused records wait in the ledger, up to here; a full quarantine halts the lane.
        # keepFor: 90d would forget them after that time.
        quarantine: { maxBytes: 1GiB }

        # The ledger can tell every batch apart for so long; after that it keeps a row an hour, later a
        # row a day.
        ledger: { keepDetail: 7d }

        # Per contract; each has its thread and its transactions. Fixed once a contract has started.
        lanes: 2

        """

    static let contract = """
        # What one partner may see. Default deny: what is not named here does not leave, no field,
        # no header, no key. 'crossdock validate' tells every mistake, with its line and column.

        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: first                          # of [a-z0-9.-]; never changes: progress hangs on it
        version: 1.0.0                     # raise it with every change
        status: draft                      # draft | active | suspended | retired
        description: Orders of our partner's products
        partner: { name: Partner, contact: data@partner.example }
        source: { cluster: internal }      # names from crossdock.yaml
        target: { cluster: partner }

        streams:
          - from: orders                   # our topic
            to: partner.orders             # theirs
            format: json                   # json | bytes (bytes lets the whole value out)
            start: earliest                # earliest | latest | a time | { group: NAME }

            # CEL; absent lets every record pass. A record on which it fails is a violation.
            filter: value.status == 'shipped' && value.partner == 'P-042'

            # Exactly these leave, in this order.
            fields:
              - orderId
              - { path: total, type: number, required: true }
              - { path: placedAt, as: placed.at }             # renamed, into an object
              - 'lines[].sku'                                 # of every element of an array
              - { path: customer.phone, mask: { keepLast: 2 } }
              # - { path: customer.id, as: customer, pseudonym: { key: partner-2026 } }
              - { as: supplier, constant: Ourselves Ltd }

            key: keep                      # keep | drop | { path: … } | { pseudonym: { key: … } }
            headers: [trace]               # only these; default none
            tombstones: drop               # drop | forward
            partition: keep                # keep (as many partitions there) | key
            onViolation: quarantine        # quarantine | stop | drop

        # A transaction closes at the first of these.
        delivery: { maxRecords: 10000, maxBytes: 16MiB, maxInterval: 100ms }

        # What the above comes to, by example; 'crossdock test' runs them. They need no new version.
        tests:
          - name: a shipped order leaves, without price list and customer
            record:
              key: O-1
              value:
                orderId: O-1
                status: shipped
                partner: P-042
                total: 12.50
                placedAt: 2026-01-31T08:00:00Z
                lines: [{ sku: A-1, cost: 3.10 }, { sku: B-7, cost: 4.00 }]
                customer: { name: Ada, phone: "+49301234567" }
              headers: { trace: t-1, internal: x }
            expect:
              delivered:               # all of it: what is not named here must not leave
                key: O-1
                value:
                  orderId: O-1
                  total: 12.50
                  placed: { at: 2026-01-31T08:00:00Z }
                  lines: [{ sku: A-1 }, { sku: B-7 }]
                  customer: { phone: "**********67" }
                  supplier: Ourselves Ltd
                headers: { trace: t-1 }
          - name: an open order stays
            record: { value: { orderId: O-2, status: open, partner: P-042, total: 1 } }
            expect: filtered
          - name: an order whose total is no number waits for somebody to look at it
            record: { value: { status: shipped, partner: P-042, total: "12.50" } }
            expect: { quarantined: { rule: type, path: total } }

        """
}
