internal import Cryptography

/// What stands for a key of crossdock.yaml where there is none: SHA-256 of a fixed text and the key's name.
/// Anybody can compute it, so it protects nothing: nothing that leaves is made with it.
private enum TestKey {
    static func bytes(_ name: String) -> [UInt8] {
        SHA256.hash(Array("crossdock contract test key: \(name)".utf8))
    }
}

extension Stream {
    /// Keys for decisions that are only looked at: the same on every machine, and no secret.
    package var testKeys: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: keyNames.map { ($0, TestKey.bytes($0)) })
    }

    /// Names under `keys` in crossdock.yaml that this stream uses.
    private var keyNames: Set<String> {
        var names = Set(fields.compactMap(\.transform?.keyName))
        switch key {
        case .keep, .drop: break
        case .pseudonym(let pseudonym): names.insert(pseudonym.key)
        case .path(_, let transform): if let name = transform?.keyName { names.insert(name) }
        }
        return names
    }
}

extension Transform {
    fileprivate var keyName: String? {
        switch self {
        case .pseudonym(let pseudonym): pseudonym.key
        case .encrypt(let key): key
        case .mask, .truncate, .round, .dateTruncate, .cast: nil
        }
    }
}
