import Foundation
import Testing

@testable import Contracts

/// Memory between two pages that nobody may read: one byte too far ends the process, sanitizer or not.
private final class FencedMemory {
    private let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    private let whole: UnsafeMutableRawPointer

    init() throws {
        let none = MAP_PRIVATE | MAP_ANONYMOUS
        let memory = mmap(nil, page * 3, PROT_NONE, none, -1, 0)
        whole = try #require(memory == MAP_FAILED ? nil : memory)
        try #require(mprotect(whole + page, page, PROT_READ | PROT_WRITE) == 0)
    }

    deinit { munmap(whole, page * 3) }

    func atStart(_ bytes: ArraySlice<UInt8>) -> UnsafeRawBufferPointer {
        copy(bytes, to: whole + page)
    }

    func atEnd(_ bytes: ArraySlice<UInt8>) -> UnsafeRawBufferPointer {
        copy(bytes, to: whole + page * 2 - bytes.count)
    }

    private func copy(
        _ bytes: ArraySlice<UInt8>, to start: UnsafeMutableRawPointer
    ) -> UnsafeRawBufferPointer {
        let target = UnsafeMutableRawBufferPointer(start: start, count: bytes.count)
        target.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(target)
    }
}

/// The scanner looks at 8, 16 or 32 bytes at once, but never at one outside the record.
@Suite struct JSONBoundaryTests {
    /// What a scan tells, copied out.
    private struct Verdict: Equatable {
        var reason = JSONFault.Reason.none
        var offset = 0
        var it = ""
        var kind = JSONKind.absent
    }

    private final class Scan {
        private let slot: Int
        private var scanner: JSONScanner

        /// `name`: the member that is captured.
        init(_ name: String) {
            let plan = SourcePlan()
            slot = Int(plan.slot([name], in: plan.record))
            scanner = JSONScanner(names: plan.nameTable(), slotCount: plan.slotCount)
        }

        deinit { scanner.free() }

        func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> Verdict {
            guard scanner.scan(bytes) else {
                return Verdict(reason: scanner.fault.reason, offset: scanner.fault.offset)
            }
            let span = scanner.slots[slot]
            guard span.kind != .absent else { return Verdict() }
            return Verdict(it: String(decoding: span.bytes, as: UTF8.self), kind: span.kind)
        }
    }

    /// What would change a decision if it were looked at.
    private static let behind = [
        "", "5555555555555555555555555555555555555555", "\":\"\"}", "e5}", ".5}", "}", "\"}",
        "\\\"\"}", "\u{1}", "é",
    ].map { Array($0.utf8) }

    /// Counts the cuts that are records. Each is told the same at the end of its memory, at the start, and
    /// whatever lies behind it.
    private func compare(_ record: String, _ scan: Scan, _ memory: FencedMemory) -> Int {
        let bytes = Array(record.utf8)
        var accepted = 0
        for count in max(0, bytes.count - 72)...bytes.count {
            let cut = bytes[..<count]
            let verdict = scan(memory.atEnd(cut))
            if verdict.reason == .none { accepted += 1 }
            #expect(scan(memory.atStart(cut)) == verdict, "\(count) bytes of \(record)")
            let rest = Self.behind[count % Self.behind.count]
            (cut + rest).withUnsafeBytes { bytes in
                let text = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                #expect(scan(text) == verdict, "\(count) bytes of \(record), then \(rest)")
            }
        }
        return accepted
    }

    /// Of every length around a word, a look and a window.
    private func scalars(_ length: Int) -> [String] {
        let digits = "1" + String(repeating: "0", count: length - 1)
        let text = String(repeating: "a", count: length)
        return [
            digits, "-\(digits)", "0.\(digits)", "-\(digits).25", "\(digits)e-5",
            "\"\(text)\"", "\"\(text)\\n\"", "\"\(text)é\"", "\"\(text)\\ud83d\\ude00\"",
            "[\(digits),\"\(text)\"]", "{\"\(text)\":\(digits)}",
        ]
    }

    @Test func `no byte outside a record is looked at, wherever it is cut off`() throws {
        let memory = try FencedMemory()
        let scan = Scan("it")
        var accepted = 0
        var records = 0
        for length in 1...34 {
            for json in scalars(length) {
                // As foreseen, and twice not.
                for record in [
                    "{\"it\":\(json)}", "{\"b\":1,\"it\":\(json)}", "{\"it\":\(json),\"b\":true}",
                ] {
                    accepted += compare(record, scan, memory)
                    records += 1
                }
            }
        }
        #expect(accepted == records)
    }

    @Test func `no byte behind a name is looked at, in the record or where it is kept`() throws {
        let memory = try FencedMemory()
        for length in 0...70 {
            let name = String(repeating: "n", count: length)
            let scan = Scan(name)
            for record in [
                "{\"\(name)\":1}", "{\"other\":null,\"\(name)\":\"2\"}", "{\"\(name)\" : 3 }",
                "{\"\(name)n\":4,\"\(name)\":5}", "{\"\(name)\":6,\"\\u006E\(name)\":7}",
            ] {
                #expect(compare(record, scan, memory) == 1, "\(record)")
            }
        }
    }
}
