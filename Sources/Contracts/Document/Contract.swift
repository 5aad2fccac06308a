/// A contract as its file says it, checked: every value is one this release honours.
package struct Contract: Sendable, Hashable {
    package var id: String
    package var version: String
    /// Lower-case hex of SHA-256 over the file's bytes, its tests left out (`ContractText`).
    package var hash: String
    /// The file it was read from, as given on the command line or in crossdock.yaml.
    package var file: String
    package var status: Status
    package var description: String
    package var partner: Partner?
    /// Cluster names of crossdock.yaml.
    package var source: String
    package var target: String
    package var streams: [Stream]
    package var delivery: Delivery
    package var effective: Effective
    /// Nil: as fast as it goes.
    package var quota: Quota?

    package enum Status: String, Sendable, CaseIterable { case draft, active, suspended, retired }

    package struct Partner: Sendable, Hashable {
        package var name: String
        package var contact: String?
        package init(name: String, contact: String? = nil) {
            self.name = name
            self.contact = contact
        }
    }

    package init(
        id: String, version: String, hash: String, file: String, status: Status,
        description: String = "", partner: Partner? = nil, source: String, target: String,
        streams: [Stream], delivery: Delivery = Delivery(), effective: Effective = Effective(),
        quota: Quota? = nil
    ) {
        self.id = id
        self.version = version
        self.hash = hash
        self.file = file
        self.status = status
        self.description = description
        self.partner = partner
        self.source = source
        self.target = target
        self.streams = streams
        self.delivery = delivery
        self.effective = effective
        self.quota = quota
    }
}

/// A transaction closes at the first of these.
package struct Delivery: Sendable, Hashable {
    package var maxRecords: Int
    /// Bytes.
    package var maxBytes: Int
    package var maxInterval: Duration

    package init(
        maxRecords: Int = 10_000, maxBytes: Int = 16 << 20,
        maxInterval: Duration = .milliseconds(100)
    ) {
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
        self.maxInterval = maxInterval
    }
}

/// One source topic and what may leave of it.
package struct Stream: Sendable, Hashable {
    package var from: String
    package var to: String
    package var format: Format
    package var start: Start
    /// Absent: every record.
    package var filter: Expression?
    /// The allow-list, in output order; empty for `bytes`.
    package var fields: [Field]
    package var key: KeyRule
    /// Header names that may leave.
    package var headers: [String]
    package var forwardsTombstones: Bool
    package var partition: PartitionRule
    package var onViolation: OnViolation
    package var onScopeExit: OnScopeExit

    package enum Format: String, Sendable, CaseIterable { case json, avro, protobuf, bytes }

    package enum Start: Sendable, Hashable {
        case earliest, latest
        /// Milliseconds since the epoch.
        case time(Int64)
        /// The committed offsets of that consumer group.
        case group(String)
    }

    package enum KeyRule: Sendable, Hashable {
        case keep, drop
        case pseudonym(Pseudonym)
        case path(Path, Transform?)
    }

    package enum PartitionRule: String, Sendable, CaseIterable { case keep, key }
    package enum OnViolation: String, Sendable, CaseIterable { case quarantine, stop, drop }
    /// What becomes of a key that the partner holds when a record of it does not match any more.
    package enum OnScopeExit: String, Sendable, CaseIterable { case ignore, tombstone }

    package init(
        from: String, to: String, format: Format, start: Start = .earliest,
        filter: Expression? = nil, fields: [Field] = [], key: KeyRule, headers: [String] = [],
        forwardsTombstones: Bool = false, partition: PartitionRule = .keep,
        onViolation: OnViolation = .quarantine, onScopeExit: OnScopeExit = .ignore
    ) {
        self.from = from
        self.to = to
        self.format = format
        self.start = start
        self.filter = filter
        self.fields = fields
        self.key = key
        self.headers = headers
        self.forwardsTombstones = forwardsTombstones
        self.partition = partition
        self.onViolation = onViolation
        self.onScopeExit = onScopeExit
    }
}

/// CEL source text that has been parsed and type-checked.
package struct Expression: Sendable, Hashable {
    package var text: String
    package init(text: String) { self.text = text }
}

/// One entry of the allow-list.
package struct Field: Sendable, Hashable {
    package var source: Source
    /// Where the value stands in the output. Always given (`as`, else the path itself).
    package var output: Path
    package var type: JSONType?
    package var checks: FieldChecks?
    package var required: Bool
    /// JSON text that stands in for an absent value, as it leaves.
    package var fallback: String?
    package var transform: Transform?

    package enum Source: Sendable, Hashable {
        case path(Path)
        /// JSON text, as it leaves.
        case constant(String)
        /// Computed by CEL.
        case value(Expression)
    }

    package init(
        source: Source, output: Path, type: JSONType? = nil, checks: FieldChecks? = nil,
        required: Bool = false, fallback: String? = nil, transform: Transform? = nil
    ) {
        self.source = source
        self.output = output
        self.type = type
        self.checks = checks
        self.required = required
        self.fallback = fallback
        self.transform = transform
    }
}

package enum JSONType: String, Sendable, CaseIterable {
    case string, integer, number, boolean, object, array
    case dateTime = "date-time"
}

/// Checks on a source value that is neither absent nor null, as JSON Schema has them: each speaks of
/// values of its own type only.
package struct FieldChecks: Sendable, Hashable {
    /// JSON texts of scalars; empty: any value.
    package var allowed: [String]
    /// RE2, unanchored.
    package var pattern: String?
    /// JSON numbers.
    package var minimum: String?
    package var maximum: String?
    /// Code points.
    package var maxLength: Int?

    package init(
        allowed: [String] = [], pattern: String? = nil, minimum: String? = nil,
        maximum: String? = nil, maxLength: Int? = nil
    ) {
        self.allowed = allowed
        self.pattern = pattern
        self.minimum = minimum
        self.maximum = maximum
        self.maxLength = maxLength
    }
}

package enum Transform: Sendable, Hashable {
    case pseudonym(Pseudonym)
    case mask(Mask)
    /// A name under `keys:` in crossdock.yaml, of 32 bytes.
    case encrypt(key: String)
    /// Characters that stay.
    case truncate(Int)
    /// A positive decimal number; values become its nearest multiple.
    case round(String)
    case dateTruncate(DateUnit)
    case cast(Cast)

    package enum DateUnit: String, Sendable, CaseIterable { case year, month, day, hour }
    package enum Cast: String, Sendable, CaseIterable { case string, integer, number, boolean }
}

package struct Pseudonym: Sendable, Hashable {
    /// A name under `keys:` in crossdock.yaml.
    package var key: String
    /// Hex digits, 16 to 64.
    package var length: Int
    package init(key: String, length: Int = 32) {
        self.key = key
        self.length = length
    }
}

package struct Mask: Sendable, Hashable {
    package var keepFirst: Int
    package var keepLast: Int
    package var with: String
    package init(keepFirst: Int = 0, keepLast: Int = 0, with: String = "*") {
        self.keepFirst = keepFirst
        self.keepLast = keepLast
        self.with = with
    }
}

/// A path into a record: member names from the top, each followed by `[]` or not.
/// Text form: `a.b[].c`, a member with a dot, bracket, quote or space quoted: `"a.b".c`.
package struct Path: Sendable, Hashable {
    package struct Step: Sendable, Hashable {
        package var member: String
        /// Whether `[]` follows: every element of the array that the member holds.
        package var elements: Bool
        package init(member: String, elements: Bool = false) {
            self.member = member
            self.elements = elements
        }
    }

    package var steps: [Step]
    package init(steps: [Step]) { self.steps = steps }
}
