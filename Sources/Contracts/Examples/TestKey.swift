internal import Cryptography

/// What stands for a key of crossdock.yaml in contract tests: SHA-256 of a fixed text and the key's name.
/// Anybody can compute it, so it protects nothing; nothing but a test uses it.
enum TestKey {
    static func bytes(_ name: String) -> [UInt8] {
        SHA256.hash(Array("crossdock contract test key: \(name)".utf8))
    }
}

extension Stream {
    /// Names under `keys` in crossdock.yaml that this stream uses.
    var keyNames: Set<String> {
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
