/// Which transform a step applies: an index into the table of its kind.
enum TransformStep: BitwiseCopyable {
    case none
    case pseudonym(Int32, length: Int32)
    case mask(Int32)
}

/// The transforms of one stream, ready to run: keys looked up, texts encoded.
struct TransformTable {
    private let keys: [String: [UInt8]]
    private(set) var pseudonyms: [PseudonymKey] = []
    private(set) var masks: [Masking] = []
    private var numbers: [String: Int32] = [:]

    /// `keys`: secrets by the name that contracts use.
    init(keys: [String: [UInt8]]) { self.keys = keys }

    mutating func add(_ transform: Transform?) throws(EngineError) -> TransformStep {
        switch transform {
        case nil: return .none
        case .pseudonym(let pseudonym): return try add(pseudonym)
        case .mask(let mask):
            masks.append(Masking(mask))
            return .mask(Int32(masks.count - 1))
        }
    }

    mutating func add(_ pseudonym: Pseudonym) throws(EngineError) -> TransformStep {
        guard (16...64).contains(pseudonym.length) else {
            throw EngineError(message: "a pseudonym has 16 to 64 digits")
        }
        if let number = numbers[pseudonym.key] {
            return .pseudonym(number, length: Int32(pseudonym.length))
        }
        guard let secret = keys[pseudonym.key] else {
            throw EngineError(
                message: "key '\(pseudonym.key)' is not under 'keys' in crossdock.yaml")
        }
        pseudonyms.append(PseudonymKey(secret))
        let number = Int32(pseudonyms.count - 1)
        numbers[pseudonym.key] = number
        return .pseudonym(number, length: Int32(pseudonym.length))
    }
}
