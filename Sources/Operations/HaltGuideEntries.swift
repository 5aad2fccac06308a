extension HaltGuide {
    private static let startAt = "OFFSET|TIME|earliest|latest"

    /// For halts whose cause lies elsewhere and can go away while the service runs.
    private static func retry(_ effect: String) -> HaltChoice {
        HaltChoice(
            "retry",
            effect + " Decides nothing: where the cause stands, the lane halts again, and the "
                + "partner sees nothing of it.")
    }

    static let identity = [
        HaltGuide(
            reason: "cluster-changed",
            meaning: "A cluster tells another id than the one this contract was started with.",
            causes: [
                "bootstrap.servers leads to another cluster: a typo, a changed DNS name, a "
                    + "test cluster",
                "the cluster was rebuilt, or its topics were moved to a new one",
            ],
            remedy:
                "Where the address is wrong in crossdock.yaml: correct it and start the service "
                + "again. Where a name led elsewhere: have it corrected, and let the lane look again.",
            choices: [
                HaltChoice(
                    "accept-clusters",
                    "go on at the ledger's offsets with the clusters as they are now. Right only "
                        + "if topics and offsets were carried over one to one. A new partner "
                        + "cluster sees the records from there on; what was delivered before is "
                        + "not sent again. Other offsets at the source lose or repeat records."),
                retry("look at the clusters again."),
            ]),
        HaltGuide(
            reason: "contract-changed",
            meaning:
                "The ledger is not the latest, and the contract's file is another version than "
                + "the one that the newest marker names.",
            causes: [
                "the ledger was lost or an old copy restored, and the contract was edited "
                    + "meanwhile",
                "another instance ran with another version of the contract's file",
            ],
            remedy: "Where the file is the wrong one: put back the version that the marker names "
                + "and start the service again; nothing is decided twice then.",
            choices: [
                HaltChoice(
                    "adopt-marker",
                    "go on at the markers' offsets, under the contract as its file stands. The "
                        + "partner sees nothing twice. What was filtered since the newest marker "
                        + "(at most 100,000 records or 60 s) is decided again, by the new version.")
            ]),
        HaltGuide(
            reason: "layout-changed",
            meaning:
                "A count that says where records or markers belong is not what it was when the "
                + "contract was started.",
            causes: [
                "`lanes` in crossdock.yaml was changed",
                "partitions were added to the checkpoint topic",
                "partitions were added to one of the partner's topics",
            ],
            remedy: "Lanes: set the old number back and start the service again. Checkpoint "
                + "topic: its partitions cannot be taken back; point `checkpoints.topic` at a "
                + "topic with the old count and see checkpoint-lost.",
            choices: [
                HaltChoice(
                    "accept-layout",
                    "go on with the partner's topics as they are now. Nothing is lost or sent "
                        + "twice. Under `partition: key` a key may move to another partition: its "
                        + "records before and after the change are not in one partition's order.")
            ]),
        HaltGuide(
            reason: "another-instance",
            meaning: "Another crossdock has claimed this lane since; only one may run.",
            causes: [
                "a second service was started for the same contract, with another state directory "
                    + "or with a copy of this one",
                "this one was cut off or suspended, and somebody started a replacement",
            ],
            remedy: "Find out which one shall live, and stop the other.",
            choices: [
                HaltChoice(
                    "take-over",
                    "claim the lane again and go on at the markers; the other instance is fenced "
                        + "and halts. The partner sees nothing twice. Two that take over from each "
                        + "other in turn deliver nothing.")
            ]),
    ]

    static let markers = [
        HaltGuide(
            reason: "marker-unreadable",
            meaning: "A record under one of our keys on the checkpoint topic does not open.",
            causes: [
                "the markers were written by a newer crossdock",
                "something else wrote to the topic, or a record was damaged on its way",
                "the topic was copied from another contract's, or another key sealed it",
            ],
            remedy: "Put back the checkpoint key, or the crossdock release, that wrote the "
                + "markers and start the service again. There is no choice that goes on past a "
                + "marker nobody can read.",
            choices: [retry("look again, once the partner has removed the record.")]),
        HaltGuide(
            reason: "checkpoint-lost",
            meaning: "The checkpoint topic holds no marker where there must be one.",
            causes: [
                "the topic was deleted, recreated or emptied, or its cleanup.policy is 'delete'",
                "`checkpoints.topic` or `checkpoints.key` in crossdock.yaml names another one",
                "the right to read the topic was lost",
                "a contract id is used that has run elsewhere, with another ledger",
            ],
            remedy: "Wrong topic or key in crossdock.yaml: correct it and start the service again. "
                + "Lost rights: have them granted, and let the lane look again. A deleted topic: "
                + "create it first, compacted, with as many partitions as before (crossdock never "
                + "makes it a second time); a choice made before is used up.",
            choices: [
                HaltChoice(
                    "trust-ledger",
                    "write new markers at the ledger's offsets and go on. Right if only the "
                        + "checkpoint topic was lost. If the partner's data topic was rolled back "
                        + "too, the records it lost stay lost there. If the last batch was "
                        + "committed unnoticed, the partner sees that batch a second time."),
                HaltChoice(
                    "start-at", startAt,
                    "go on from there, on every partition of the lane. Before the ledger's offset: "
                        + "the partner sees those records a second time. After it: the records "
                        + "between are never sent."),
                retry("look for the markers again, once the right to read them is back."),
            ]),
        HaltGuide(
            reason: "partner-restored",
            meaning: "The newest marker on the checkpoint topic is older than one that the ledger "
                + "knows to have been committed.",
            causes: [
                "the partner restored its cluster, or the checkpoint topic, from a backup",
                "the topic was truncated by an unclean leader election",
            ],
            remedy: "Ask the partner whether the data topics were rolled back together with the "
                + "checkpoint topic, and to what time.",
            choices: [
                HaltChoice(
                    "adopt-marker",
                    "go on at the old markers' offsets: right if data and checkpoints were rolled "
                        + "back together. The partner gets again what it lost. If the data was not "
                        + "rolled back, it sees those records a second time."),
                HaltChoice(
                    "trust-ledger",
                    "write new markers at the ledger's offsets and go on: right if only the "
                        + "checkpoint topic was rolled back. If the data was too, the records it "
                        + "lost stay lost there."),
                HaltChoice(
                    "start-at", startAt,
                    "go on from there, on every partition of the lane. The partner sees again what "
                        + "it still has after that place."),
            ]),
        HaltGuide(
            reason: "markers-disagree",
            meaning:
                "Ledger and markers tell things that cannot both be true, and no rule explains "
                + "it.",
            causes: [
                "the checkpoint topic was partly restored, or somebody wrote or deleted records "
                    + "there",
                "the ledger was edited, or put together from several copies",
                "a fault in crossdock: please report it, with the log of this start",
            ],
            remedy: "Compare the partner's last records with the ledger's offsets before "
                + "choosing.",
            choices: [
                HaltChoice(
                    "adopt-marker",
                    "the markers are right: go on at their offsets. What the ledger decided beyond "
                        + "them is decided again; the partner sees it a second time if it was "
                        + "delivered."),
                HaltChoice(
                    "trust-ledger",
                    "the ledger is right: write new markers at its offsets and go on. What the "
                        + "markers tell beyond it is delivered again; a batch whose outcome is "
                        + "unknown counts as not delivered."),
            ]),
        HaltGuide(
            reason: "checkpoint-unreadable",
            meaning:
                "Our own claim was written to the checkpoint topic and does not become visible.",
            causes: [
                "another producer's open transaction on the same partition hides what follows",
                "the right to read the topic is missing, or a proxy answers with old data",
                "the partition has lost its in-sync replicas",
            ],
            remedy: "A forgotten transaction ends with its timeout, or when the partner ends it "
                + "(kafka-transactions.sh). Nothing is in doubt but what cannot be read.",
            choices: [retry("claim and read again, once the transaction is over.")]),
    ]

    static let source = [
        HaltGuide(
            reason: "retention-gap",
            meaning: "The source deleted records before they were read.",
            causes: [
                "the service or the partner was away for longer than the topic's retention",
                "retention was shortened, or records were deleted by hand",
            ],
            remedy: "Records that are deleted cannot be read any more: what is left is to say so.",
            choices: [
                HaltChoice(
                    "accept-gap",
                    "give up the lost offsets of every partition of the lane and go on at its log "
                        + "start. The gap stands in the ledger, in the next marker and in the "
                        + "report's `gaps`. The partner never gets those records."),
                HaltChoice(
                    "start-at", startAt,
                    "go on from there on this partition instead, for example at `latest`. The "
                        + "partner never gets what lies before it; it is not counted as a gap."),
            ]),
        HaltGuide(
            reason: "source-truncated",
            meaning: "The source topic is not the one that was read: it ends before our position, "
                + "or another record stands where one was read.",
            causes: [
                "the topic was deleted and made again",
                "an unclean leader election lost its newest records",
                "the internal cluster was restored from a backup",
            ],
            remedy: "The offsets of the ledger mean nothing in a topic that was made again: only "
                + "its owner knows from where it holds new records. A topic with fewer partitions "
                + "than before needs them back first (kafka-topics.sh --alter --partitions).",
            choices: [
                HaltChoice(
                    "start-at", startAt,
                    "go on from there on this partition. `earliest` takes everything that the topic "
                        + "holds now. The partner sees a second time what it had before and what "
                        + "was produced again."),
                retry("look at the topic again, once its partitions are back."),
            ]),
    ]

    static let partner = [
        HaltGuide(
            reason: "presence-lost",
            meaning:
                "The contract says `onScopeExit: tombstone`, and which keys the partner holds is "
                + "not known.",
            causes: [
                "the ledger was lost, restored from an older copy, or overtaken by another instance",
                "the contract retracts since its last version, and ran before; or another replicator "
                    + "was taken over from (`start: { group: … }`)",
                "the stream's `key`, `to` or `partition`, or the secret behind its key, was changed; "
                    + "under `partition: key` also the partner's partition count",
                "partitions were added to the source topic: keys may have moved to them",
                "the partner's topics, or the checkpoint topic, were restored, truncated or exchanged",
            ],
            remedy:
                "Where the rule of the key was changed unawares: put it back, start the service "
                + "again, and the index is valid as it was. Else choose what a key counts as that the "
                + "index does not know.",
            choices: [
                HaltChoice(
                    "retract-unknown",
                    "count as delivered what is not known: the first record of each key that does not "
                        + "match sends a tombstone. Nothing stays at the partner that should be gone; "
                        + "but it also sees the keys of records that never matched."),
                HaltChoice(
                    "presume-absent",
                    "count as never delivered what is not known: no key leaves that should not. What "
                        + "was delivered before stays at the partner until its key is delivered and "
                        + "leaves again. Right where the partner's topic is empty."),
            ]),
        HaltGuide(
            reason: "partner-truncated",
            meaning: "A partner topic ends before the last record that it acknowledged.",
            causes: [
                "the partner deleted the topic and made it again",
                "an unclean leader election, or a restore, lost its newest records",
            ],
            remedy: "Ask the partner what is missing and whether it wants it again.",
            choices: [
                HaltChoice(
                    "trust-ledger",
                    "go on where we are. What the partner lost stays lost there; nothing is seen "
                        + "twice."),
                HaltChoice(
                    "start-at", startAt,
                    "send again from there, on every partition of the lane. The partner sees a "
                        + "second time what it has not lost."),
            ]),
        HaltGuide(
            reason: "partner-partitions",
            meaning: "A partner topic has fewer partitions than the source topic, and the contract "
                + "says `partition: keep`.",
            causes: [
                "partitions were added to the source topic",
                "the partner's topic was made with fewer",
            ],
            remedy: "Ask the partner to add partitions, and let the lane look again; it then halts "
                + "once more, as layout-changed, for the new count to be accepted. Or say "
                + "`partition: key` in a new version of the contract and start the service again.",
            choices: [retry("look at the partner's topic again, once it has partitions enough.")]),
        HaltGuide(
            reason: "partner-refused",
            meaning: "The partner's broker refuses a batch, and none of its records alone.",
            causes: [
                "the topic's max.message.bytes is smaller than a batch, or a quota on batches",
                "message.timestamp.* limits or a broker-side validation",
            ],
            remedy: "Compare the topic's configuration with the error's name. Ask the partner to "
                + "change it, and send the batch again; or lower the target cluster's `batch.size` "
                + "and start the service again.",
            choices: [retry("decide and send the batch again, once the topic takes it.")]),
    ]

    static let local = [
        HaltGuide(
            reason: "violation",
            meaning: "A record breaches the contract, and the stream says `onViolation: stop`.",
            causes: [
                "a producer sends something new: a renamed member, another type, no JSON",
                "the contract asks for more than the producers ever promised",
            ],
            remedy: "Where the contract is wrong: correct it under a new version and start the "
                + "service again; the record is then decided under it.",
            choices: [
                HaltChoice(
                    "quarantine-record",
                    "put this one record into the quarantine and go on behind it. The partner does "
                        + "not get it. The next violation halts again.")
            ]),
        HaltGuide(
            reason: "quarantine-full",
            meaning: "The quarantine has reached `quarantine.maxBytes`.",
            causes: [
                "a stream refuses most of its records since a producer changed",
                "refused records were never dealt with",
            ],
            remedy: "Look at why records are refused (`crossdock preview`); correct the contract "
                + "under a new version, or raise `quarantine.maxBytes` in crossdock.yaml; then start "
                + "the service again. Where records were taken out of the quarantine: let the lane "
                + "look again.",
            choices: [retry("decide the batch again, once the quarantine has room.")]),
        HaltGuide(
            reason: "ledger-corrupt",
            meaning: "The ledger file is damaged, or is no ledger.",
            causes: [
                "a failing disk, or a copy made while it was being written",
                "something else than crossdock opened the file, or the volume is shared",
            ],
            remedy: "Stop the service, keep the damaged `state/ledger.db` with its -wal aside, and "
                + "start again without it: positions and counts come from the markers, nothing is "
                + "sent twice. History and quarantined records stay in the damaged file.",
            choices: []),
    ]
}
