import Testing

@testable import Contracts

/// A scanner that has seen a stream's records walks over the next one by what it expects. One that has seen nothing
/// looks at nearly every member by itself. Both tell the same.
@Suite struct JSONWalkTests {
    private static let names = [
        "a", "id", "flight", "dep_time", "fourteen_bytes", "thirteen_byte", "sixteen_bytes_ab",
        "seventeen_bytes_a", "a_name_of_thirty_bytes_in_total", "a name, and {a brace}", "naïve",
    ]

    private static let values = [
        "0", "-0", "7", "-7", "01", "-01", "-", "1.", ".5", "1.5", "-1.5", "0.5", "-0.25", "00.5",
        "1..5",
        "1.5.2", "--1", "1-", "+1", "1e5", "1E-2", "1e", "2013", "517.0", "1234567890123456",
        "12345678901234567",
        "-123456789012345", "1234567890.12345", "\"\"", "\"", "\"\"\"", "\"x\"", "\"a,b\"",
        "\"a}b\"", "\"a{b\"",
        "\"a\\\"b\"", "\"a\\\\\"", "\"a\\\"", "\"a\u{1}b\"", "\"é\"", "\"a|~b\"",
        "\"fourteen bytes\"",
        "\"fifteen bytes!!\"", "\"2013-01-01T10:00:00Z\"", "\"thirty bytes of plain text 123\"",
        "\"thirty-one bytes of plain text 1\"", "\"a\"\"b\"", "\"a\" \"b\"", "\"a\":\"b\"", "null",
        "true", "false",
        "nul", "True", "truee", "fals", "{}", "[]", "{\"a\":1,\"id\":2}", "{\"id\":2,\"a\":1}",
        "{\"a\":1,\"a\":2}",
        "[1,\"a,b\",{\"a\":1}]", "[1,]", "{,}", "",
    ]

    private struct Verdict: Equatable {
        var reason = JSONFault.Reason.none
        var offset = 0
        var found: [String] = []
    }

    private final class Scan {
        private var scanner: JSONScanner

        init() {
            let plan = SourcePlan()
            // Not all of them are captured.
            for name in names.dropLast(3) { _ = plan.slot([name], in: plan.record) }
            _ = plan.slot(["flight", "id"], in: plan.record)
            scanner = JSONScanner(names: plan.nameTable(), slotCount: plan.slotCount)
        }

        deinit { scanner.free() }

        func callAsFunction(_ bytes: [UInt8]) -> Verdict {
            bytes.withUnsafeBytes { bytes in
                guard scanner.scan(bytes) else {
                    return Verdict(reason: scanner.fault.reason, offset: scanner.fault.offset)
                }
                let found = (0..<scanner.slotCount).map { slot in
                    let span = scanner.slots[slot]
                    let text =
                        span.kind == .absent ? "" : String(decoding: span.bytes, as: UTF8.self)
                    return "\(span.kind) \(text)"
                }
                return Verdict(found: found)
            }
        }
    }

    /// Mostly a valid record.
    private func record(_ random: inout some RandomNumberGenerator) -> [UInt8] {
        var names = Self.names.shuffled(using: &random).prefix(
            Int.random(in: 1...11, using: &random))
        if Bool.random(using: &random) { names.sort { $0.count < $1.count } }
        if Int.random(in: 0..<12, using: &random) == 0, let name = names.first {
            names.append(name)
        }
        let isSpaced = Int.random(in: 0..<3, using: &random) == 0
        func space() -> String {
            isSpaced ? [" ", "", "\n  ", "\t"].randomElement(using: &random) ?? "" : ""
        }
        let isOdd = Int.random(in: 0..<3, using: &random) == 0
        let members = names.map { name in
            let plain = Self.values[Int.random(in: 2...3, using: &random)]
            let value = isOdd ? Self.values.randomElement(using: &random) ?? plain : plain
            return "\(space())\"\(name)\"\(space()):\(space())\(value)\(space())"
        }
        var bytes = Array("\(space()){\(members.joined(separator: ","))}\(space())".utf8)
        if Int.random(in: 0..<4, using: &random) == 0 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                Array("\"\\,:{}[]0-.e a|".utf8).randomElement(using: &random) ?? 0
        }
        return bytes
    }

    @Test func `what a scanner has learnt changes nothing of what it tells`() {
        var random = SystemRandomNumberGenerator()
        var learnt = Scan()
        var accepted = 0
        for round in 0..<20_000 {
            if round % 500 == 0 { learnt = Scan() }
            let record = record(&random)
            let wanted = Scan()(record)
            if wanted.reason == .none { accepted += 1 }
            #expect(learnt(record) == wanted, "\(String(decoding: record, as: UTF8.self))")
        }
        #expect(accepted > 2_000)
    }

    /// A scanner learns while it scans, so that two of them may overlook the same: here the place is counted.
    @Test func `a member that stands twice is refused at its second place, wherever it stands`() {
        var random = SystemRandomNumberGenerator()
        let scan = Scan()
        let inOrder = Self.names
        for round in 0..<5_000 {
            var names = round % 2 == 0 ? inOrder : inOrder.shuffled(using: &random)
            names.removeLast(Int.random(in: 0...8, using: &random))
            let members = { (names: [String]) in
                names.map { "\"\($0)\":\(Self.values[Int.random(in: 2...3, using: &random)])" }
            }
            let whole = "{\(members(names).joined(separator: ","))}"
            #expect(scan(Array(whole.utf8)).reason == .none, "\(whole)")
            let first = Int.random(in: 0..<names.count, using: &random)
            let second = Int.random(in: first + 1...names.count, using: &random)
            names.insert(names[first], at: second)
            let twice = members(names)
            let before = "{\(twice[..<second].joined(separator: ",")),"
            let record = before + twice[second...].joined(separator: ",") + "}"
            let verdict = scan(Array(record.utf8))
            #expect(verdict.reason == .duplicateName, "\(record)")
            #expect(verdict.offset == before.utf8.count, "\(record)")
        }
    }
}
