internal import FoundationEssentials

/// How values stand in text and blob columns.
enum RowText {
    /// "offset,timestamp,digest" for each, oldest first, blanks between.
    static func fingerprints(_ prints: [Fingerprint]) -> String {
        prints.map { "\($0.offset),\($0.timestamp),\($0.digest)" }.joined(separator: " ")
    }

    static func fingerprints(_ text: String) throws(LedgerFailure) -> [Fingerprint] {
        var prints: [Fingerprint] = []
        for word in text.utf8.split(separator: UInt8(ascii: " ")) {
            let parts = word.split(
                separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            guard parts.count == 3, let offset = Int64(Substring(parts[0])),
                let timestamp = Int64(Substring(parts[1]))
            else { throw LedgerFailure(.corrupt, "a fingerprint in the ledger is unreadable") }
            prints.append(
                Fingerprint(
                    offset: offset, timestamp: timestamp, digest: String(Substring(parts[2]))))
        }
        return prints
    }

    static func layout(_ layout: Layout) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Strings and integers only: there is nothing that could fail to encode.
        guard let data = try? encoder.encode(layout) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    static func layout(_ text: String) throws(LedgerFailure) -> Layout {
        guard let layout = try? JSONDecoder().decode(Layout.self, from: Data(text.utf8)) else {
            throw LedgerFailure(.corrupt, "a lane's layout in the ledger is unreadable")
        }
        return layout
    }

    /// 16 bytes, big-endian.
    static func nonce(_ nonce: Nonce) -> [UInt8] {
        withUnsafeBytes(of: (nonce.high.bigEndian, nonce.low.bigEndian)) { Array($0) }
    }

    static func nonce(_ bytes: [UInt8]) throws(LedgerFailure) -> Nonce {
        guard bytes.count == 16 else {
            throw LedgerFailure(.corrupt, "a nonce in the ledger has \(bytes.count) bytes")
        }
        return Nonce(high: word(bytes[0..<8]), low: word(bytes[8..<16]))
    }

    static func hash(_ hash: KeyHash) -> [UInt8] { nonce(Nonce(high: hash.high, low: hash.low)) }

    static func hash(_ bytes: [UInt8]) throws(LedgerFailure) -> KeyHash {
        let found = try nonce(bytes)
        return KeyHash(high: found.high, low: found.low)
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Per header: length of the name, name, length of the value (-1 is null), value; lengths are 4
    /// bytes, big-endian.
    static func headers(names: [String], values: [[UInt8]?]) -> [UInt8] {
        var bytes: [UInt8] = []
        func length(_ count: Int) {
            withUnsafeBytes(of: Int32(count).bigEndian) { bytes.append(contentsOf: $0) }
        }
        for (name, value) in zip(names, values) {
            length(name.utf8.count)
            bytes.append(contentsOf: name.utf8)
            length(value?.count ?? -1)
            bytes.append(contentsOf: value ?? [])
        }
        return bytes
    }

    static func headers(
        _ bytes: [UInt8]
    ) throws(LedgerFailure) -> (names: [String], values: [[UInt8]?]) {
        var rest = bytes[...]
        func take() throws(LedgerFailure) -> ArraySlice<UInt8>? {
            let count = Int32(truncatingIfNeeded: word(rest.prefix(4)))
            rest = rest.dropFirst(4)
            guard count >= 0 else { return nil }
            guard rest.count >= Int(count) else {
                throw LedgerFailure(.corrupt, "a quarantined record's headers are unreadable")
            }
            defer { rest = rest.dropFirst(Int(count)) }
            return rest.prefix(Int(count))
        }
        var names: [String] = []
        var values: [[UInt8]?] = []
        while !rest.isEmpty {
            names.append(String(decoding: try take() ?? [], as: UTF8.self))
            values.append(try take().map(Array.init))
        }
        return (names, values)
    }
}

extension Counts {
    /// In the order of `Schema.counts`.
    var values: [Int64] { [read, delivered, filtered, dropped, quarantined, gaps, bytes] }

    init(_ row: Row, from column: Int32) {
        self.init()
        read = row.integer(column)
        delivered = row.integer(column + 1)
        filtered = row.integer(column + 2)
        dropped = row.integer(column + 3)
        quarantined = row.integer(column + 4)
        gaps = row.integer(column + 5)
        bytes = row.integer(column + 6)
    }

    /// What was added since `earlier`.
    func since(_ earlier: Counts) -> Counts {
        var difference = self
        difference.read -= earlier.read
        difference.delivered -= earlier.delivered
        difference.filtered -= earlier.filtered
        difference.dropped -= earlier.dropped
        difference.quarantined -= earlier.quarantined
        difference.gaps -= earlier.gaps
        difference.bytes -= earlier.bytes
        return difference
    }
}
