/// Which transform a step applies: an index into the table of its kind.
enum TransformStep: BitwiseCopyable {
    case none
    case pseudonym(Int32, length: Int32)
    case mask(Int32)
    case encrypt(Int32)
    case truncate(Int32)
    case round(Int32)
    case dateTruncate(Transform.DateUnit)
    case cast(Transform.Cast)
}

extension Transform.DateUnit: BitwiseCopyable {}
extension Transform.Cast: BitwiseCopyable {}

/// The transforms of one stream, ready to run: keys looked up, texts encoded.
struct TransformTable {
    /// What encryption knows of a stream.
    struct Origin {
        var contract: String
        /// The source cluster's id, as Kafka gives it.
        var cluster: String
        var topic: String
    }

    private let keys: [String: [UInt8]]
    private let origin: Origin
    private(set) var pseudonyms: [PseudonymKey] = []
    private(set) var masks: [Masking] = []
    private(set) var ciphers: [FieldCipher] = []
    private(set) var roundings: [Rounding] = []
    private var numbers: [String: Int32] = [:]

    /// `keys`: secrets by the name that contracts use.
    init(keys: [String: [UInt8]], origin: Origin) {
        self.keys = keys
        self.origin = origin
    }

    /// `path`: where the value stands in the output, which encryption binds it to.
    mutating func add(_ transform: Transform?, path: String) throws(EngineError) -> TransformStep {
        switch transform {
        case nil: return .none
        case .pseudonym(let pseudonym): return try add(pseudonym)
        case .mask(let mask):
            masks.append(Masking(mask))
            return .mask(Int32(masks.count - 1))
        case .encrypt(let name):
            let cipher = try FieldCipher(
                try secret(name), contract: origin.contract, cluster: origin.cluster,
                topic: origin.topic, path: path)
            ciphers.append(cipher)
            return .encrypt(Int32(ciphers.count - 1))
        case .truncate(let characters): return .truncate(Int32(clamping: characters))
        case .round(let step):
            guard let rounding = Rounding(step) else {
                throw EngineError(message: "'\(step)' is nothing to round to")
            }
            roundings.append(rounding)
            return .round(Int32(roundings.count - 1))
        case .dateTruncate(let unit): return .dateTruncate(unit)
        case .cast(let type): return .cast(type)
        }
    }

    mutating func add(_ pseudonym: Pseudonym) throws(EngineError) -> TransformStep {
        guard (16...64).contains(pseudonym.length) else {
            throw EngineError(message: "a pseudonym has 16 to 64 digits")
        }
        if let number = numbers[pseudonym.key] {
            return .pseudonym(number, length: Int32(pseudonym.length))
        }
        pseudonyms.append(PseudonymKey(try secret(pseudonym.key)))
        let number = Int32(pseudonyms.count - 1)
        numbers[pseudonym.key] = number
        return .pseudonym(number, length: Int32(pseudonym.length))
    }

    private func secret(_ name: String) throws(EngineError) -> [UInt8] {
        guard let secret = keys[name] else {
            throw EngineError(message: "key '\(name)' is not under 'keys' in crossdock.yaml")
        }
        return secret
    }
}
