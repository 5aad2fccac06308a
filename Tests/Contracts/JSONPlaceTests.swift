import Foundation
import Testing

@testable import Contracts

/// The scanner takes other ways near a record's end and far from it, and behind a name that was foreseen or
/// one that came as a surprise: each must see the same.
@Suite struct JSONPlaceTests {
    private enum Place: CaseIterable {
        case alone, farFromEnd, foreseenMember, surprisingMember
    }

    private func isValid(_ data: Data, _ place: Place) -> Bool {
        var scanner = JSONScanner(names: NameTable(planned: 0), slotCount: 0)
        defer { scanner.free() }
        func isValid(_ before: String, _ text: Data, _ after: String) -> Bool {
            Array(before.utf8 + text + after.utf8).withUnsafeBytes { scanner.scanValue($0) }
        }
        let rest = String(repeating: "0123456789", count: 8)
        let usual = Data("true".utf8)
        switch place {
        case .alone: return isValid("", data, "")
        case .farFromEnd: return isValid("", data, String(repeating: " ", count: 64))
        case .foreseenMember:
            let isUsual = isValid("{\"one\":", usual, ",\"rest\":\"\(rest)\"}")
            return isUsual && isValid("{\"one\":", data, ",\"rest\":\"\(rest)\"}")
        case .surprisingMember:
            let isUsual = isValid("{\"one\":", usual, ",\"other\":1,\"rest\":\"\(rest)\"}")
            return isUsual && isValid("{\"other\":1,\"one\":", data, ",\"rest\":\"\(rest)\"}")
        }
    }

    @Test(.enabled(if: ConformanceFolder.canRun, ConformanceFolder.skipReason))
    func `a text is JSON or not, wherever in a record it stands`() throws {
        var count = 0
        for file in try ConformanceFolder.files(ConformanceFolder.folder("json"), ".json") {
            let text = try Data(contentsOf: file)
            let alone = isValid(text, .alone)
            for place in Place.allCases {
                #expect(isValid(text, place) == alone, "\(file.lastPathComponent) \(place)")
            }
            count += 1
        }
        #expect(count > 200)
    }

    /// Numbers and strings of every length around a word and a window, and their kinds.
    @Test func `a scalar's end and kind do not depend on how long it is or where it stands`() {
        for length in 1...40 {
            let digits = "1" + String(repeating: "0", count: length - 1)
            let text = String(repeating: "a", count: length)
            let cases: [(String, JSONKind?)] = [
                (digits, .integer), ("-\(digits)", .integer), ("\(digits).5", .number),
                ("-\(digits).25", .number), ("0.\(digits)", .number), ("\(digits)e5", .number),
                ("\(digits).0E-1", .number), ("0\(digits)", nil), ("-0\(digits)", nil),
                ("\(digits).", nil), (".\(digits)", nil), ("-.\(digits)", nil), ("-", nil),
                ("\(digits)..1", nil), ("\(digits).1.1", nil), ("\(digits)e", nil),
                ("-0", .integer),
                ("\(digits)-1", nil), ("+\(digits)", nil), ("\"\(text)\"", .string),
                ("\"\(text)\\n\"", .escapedString), ("\"\(text)é\"", .string),
                ("\"\(text)\t\"", nil), ("\"\(text)", nil), ("\"\(text)\\\"", nil),
            ]
            for (json, kind) in cases {
                for rest in ["", "12345", String(repeating: "7", count: 50)] {
                    check(json, kind, rest)
                }
            }
        }
    }

    /// In order, out of order, and with the rest of the record behind it.
    private func check(_ json: String, _ kind: JSONKind?, _ rest: String) {
        let plan = SourcePlan()
        let slot = Int(plan.slot(["it"], in: plan.record))
        var scanner = JSONScanner(names: plan.nameTable(), slotCount: plan.slotCount)
        defer { scanner.free() }
        let end = rest.isEmpty ? "}" : ",\"rest\":\"\(rest)\"}"
        for record in [
            "{\"it\":\(json)\(end)", "{\"it\":\(json)\(end)", "{\"b\":1,\"it\":\(json)\(end)",
            "{\"it\":\(json),\"b\":1\(end)", "{\"b\":1,\"it\":\(json)\(end)",
        ] {
            Array(record.utf8).withUnsafeBytes { bytes in
                let isTaken = scanner.scan(bytes)
                #expect(isTaken == (kind != nil), "\(record)")
                guard isTaken, kind != nil else { return }
                let span = scanner.slots[slot]
                #expect(span.kind == kind, "\(record)")
                #expect(String(decoding: span.bytes, as: UTF8.self) == json, "\(record)")
            }
        }
    }
}
