import Foundation
import Ledger
import Operations
import Testing

/// What operators read of refused records.
@Suite struct QuarantineReportTests {
    private let now: Int64 = 1_767_225_600_000

    private func entry(
        _ id: Int64, _ topic: String = "flights", state: QuarantineState = .held,
        path: String = "lines[].price", outcome: String? = nil
    ) -> QuarantineEntry {
        QuarantineEntry(
            id: id, partition: SourcePartition(topic: topic, partition: 11),
            offset: 1_234_567_890, state: state, rule: "refused-by-partner", path: path,
            detail: "is string, not number", size: 4_300, at: now - 180_000, version: "1.0.0",
            batchSeq: 7, outcome: outcome, answeredAt: outcome.map { _ in now }, releasedIn: nil,
            lane: 1)
    }

    private func list(_ entries: [QuarantineEntry], hasMore: Bool = false) -> QuarantineList {
        QuarantineList(
            contract: "flights-skyways", entries: entries,
            totals: [
                QuarantineTotal(state: .held, rule: "check", records: 2, bytes: 8_600),
                QuarantineTotal(state: .released, rule: "check", records: 1, bytes: 256),
            ], hasMore: hasMore, now: now)
    }

    @Test(arguments: [
        "flights", "a-topic-whose-name-is-as-long-as-its-owner-was-fond-of-long-names.orders.v2",
    ])
    func `a row a record, within the width, and the total in words`(topic: String) {
        let entries = [entry(1, topic), entry(1_000_000, topic, state: .releasing)]
        for width in [80, 120] {
            let lines = list(entries, hasMore: true).lines(width: width)
            #expect(lines.allSatisfy { $0.count <= width }, "\(lines)")
            #expect(lines[0].hasPrefix("     ID  RECORD"))
            #expect(lines[1].contains("[11]@1234567890") && lines[1].contains("held"))
            #expect(lines[2].contains("releasing") && lines[2].contains("4.2 KiB"))
            #expect(lines[3].contains("--after 1000000"))
            #expect(
                lines.contains(
                    "flights-skyways: 3 refused records, 8.6 KiB: 2 held, 1 released"))
        }
    }

    @Test func `an empty quarantine is said to be so`() {
        let empty = QuarantineList(
            contract: "c", entries: [], totals: [], hasMore: false, now: now)
        #expect(empty.lines(width: 80) == ["c: the quarantine is empty"])
    }

    @Test func `the list as JSON names state, place and reason`() throws {
        let data = Data(list([entry(4, outcome: "refused")], hasMore: true).json.utf8)
        let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(report["hasMore"] as? Bool == true)
        let records = try #require(report["records"] as? [[String: Any]])
        #expect(records[0]["state"] as? String == "held")
        #expect(records[0]["offset"] as? Int == 1_234_567_890)
        #expect(records[0]["detail"] as? String == "is string, not number")
        #expect(records[0]["outcome"] as? String == "refused")
        #expect(records[0]["releasedIn"] is NSNull)
    }

    @Test func `contents are shown where they were asked for, bytes as base64`() throws {
        let record = QuarantinedRecord(
            partition: SourcePartition(topic: "flights", partition: 11), offset: 3, timestamp: 5,
            key: nil, value: Array("{\"secret\":1}".utf8), headerNames: ["trace"],
            headerValues: [[0, 255]], rule: "check", path: "", detail: "")
        let bare = QuarantineDetail(contract: "c", entry: entry(4), record: nil)
        #expect(!bare.lines(width: 80).joined().contains("secret"))
        #expect(!bare.json.contains("timestamp"))
        let full = QuarantineDetail(contract: "c", entry: entry(4), record: record)
        let lines = full.lines(width: 80)
        #expect(lines.contains("value: {\"secret\":1}"))
        #expect(lines.contains("key: null") && lines.contains("header trace: base64 AP8="))
        #expect(full.json.contains("\"value\":\"eyJzZWNyZXQiOjF9\""))
        let gone = QuarantineDetail(
            contract: "c", entry: entry(4, state: .released), record: record)
        #expect(gone.lines(width: 80).contains("its copy is gone"))
        #expect(gone.json.contains("\"record\":null"))
    }
}
