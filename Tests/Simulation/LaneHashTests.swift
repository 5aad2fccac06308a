import Ledger
import Replication
import Testing

@Suite struct LaneHashTests {
    private func lanes(_ topic: String, _ partitions: Int, _ lanes: Int) -> [Int] {
        (0..<Int32(partitions)).map {
            LaneHash.lane(of: SourcePartition(topic: topic, partition: $0), lanes: lanes)
        }
    }

    @Test("no lane has more than one partition of a topic more than another")
    func balance() {
        for topic in ["flights", "orders", "payments.v1", ""] {
            for count in 1...24 {
                for number in 1...8 {
                    let mine = lanes(topic, count, number)
                    let sizes = (0..<number).map { lane in mine.count { $0 == lane } }
                    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1, "\(topic) \(count)")
                }
            }
        }
    }

    @Test("topics of one partition do not all go to one lane")
    func spread() {
        let first = (0..<40).map { lanes("topic-\($0)", 1, 4)[0] }
        #expect(Set(first) == [0, 1, 2, 3])
    }

    /// What stands in markers under this name never changes.
    @Test("the rule is what its name stands for")
    func rule() {
        #expect(LaneHash.name == "crc32c-in-turn")
        // CRC-32C("123456789"), the check value of RFC 3720's polynomial.
        #expect(LaneHash.crc32c(Array("123456789".utf8)) == 0xE306_9283)
        #expect(lanes("123456789", 3, 4) == [3, 0, 1])
    }
}
