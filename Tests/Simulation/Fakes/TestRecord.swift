import Ledger

/// A source record of the simulation and what each contract version makes of it, computed without the
/// engine.
struct TestRecord: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Delivered under version 1, under version 2.
        case plain(first: Bool, second: Bool)
        case notJSON
        case tombstone
        /// Passes every filter; its output is larger than the partner takes.
        case large
        /// Passes every filter; the partner's broker refuses it and what shares its batch.
        case refused
        /// Breaches version 1; version 2 delivers or filters it. `pad`: bytes that make it too large, or
        /// refused by the broker, when version 2 would deliver it.
        case late(second: Bool, pad: Int = 0)
    }

    enum Fate: Hashable { case delivered, filtered, quarantined }

    static let delivered = Kind.plain(first: true, second: true)
    static let filtered = Kind.plain(first: false, second: false)
    static let largest = 1000
    static func isRefused(size: Int) -> Bool { (500...largest).contains(size) }

    var kind: Kind
    /// Unique in a run: partition * 100_000 + a running number.
    var number: Int
    /// Nil: a key of its own.
    var keyNumber: Int?

    var key: [UInt8] { Array("key-\(keyNumber ?? number)".utf8) }

    private var pad: String {
        switch kind {
        case .large: String(repeating: "x", count: 1200)
        case .refused: String(repeating: "y", count: 600)
        case .late(_, let pad): String(repeating: "z", count: pad)
        default: ""
        }
    }

    var value: [UInt8]? {
        switch kind {
        case .tombstone: nil
        case .notJSON: Array("{\"n\":\(number),".utf8)
        case .plain(let first, let second):
            Array("{\"secret\":1,\"n\":\(number),\"a\":\(first),\"b\":\(second)}".utf8)
        case .late(let second, _):
            // No boolean, as version 1's filter needs it.
            Array(
                ("{\"n\":\(number),\"a\":\"x\",\"b\":\(second)"
                    + (pad.isEmpty ? "}" : ",\"pad\":\"\(pad)\"}")).utf8)
        case .large, .refused:
            Array("{\"pad\":\"\(pad)\",\"n\":\(number),\"a\":true,\"b\":true}".utf8)
        }
    }

    func fate(under version: Int) -> Fate {
        switch kind {
        case .plain(let first, let second): (version == 1 ? first : second) ? .delivered : .filtered
        case .tombstone: .filtered
        case .notJSON, .large, .refused: .quarantined
        case .late(let second, let pad):
            version == 1 || second && pad > 0 ? .quarantined : second ? .delivered : .filtered
        }
    }

    /// The value that the partner must see.
    func output(under version: Int) -> [UInt8] {
        Array("{\"n\":\(number),\"v\":\(version)}".utf8)
    }
}
