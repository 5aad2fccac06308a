internal import Cryptography

/// Turns references into secrets. The world (environment, files) comes in as closures.
package struct SecretResolver: Sendable {
    package enum FileProblem: Error, Sendable, Hashable {
        case missing
        /// In the system's words.
        case unreadable(String)

        var message: String {
            switch self {
            case .missing: "there is no such file"
            case .unreadable(let why): "the file cannot be read: \(why)"
            }
        }
    }

    /// Bytes of a secret file, and whether its mode lets group or others read it.
    package struct SecretFile: Sendable {
        package var bytes: [UInt8]
        package var isExposed: Bool
        package init(bytes: [UInt8], isExposed: Bool = false) {
            self.bytes = bytes
            self.isExposed = isExposed
        }
    }

    /// Why a reference did not resolve, or (as a remark) what is doubtful about it. Names the
    /// reference, never what it holds.
    package struct Problem: Error, Sendable, Hashable {
        package var reference: String
        package var message: String

        package init(reference: String, message: String) {
            self.reference = reference
            self.message = message
        }
    }

    package var environment: @Sendable (String) -> String?
    package var file: @Sendable (String) throws(FileProblem) -> SecretFile

    package init(
        environment: @escaping @Sendable (String) -> String?,
        file: @escaping @Sendable (String) throws(FileProblem) -> SecretFile
    ) {
        self.environment = environment
        self.file = file
    }

    /// The secret as text, for a client key: one trailing newline of a file is cut.
    package func text(_ reference: SecretReference) throws(Problem) -> String {
        guard
            let text = String(
                validating: withoutNewline(try raw(reference), reference), as: UTF8.self)
        else {
            throw Problem(reference: reference.text, message: "is not UTF-8 text")
        }
        return text
    }

    /// `value` with every reference in its place.
    package func text(_ value: SecretText) throws(Problem) -> String {
        var text = ""
        for part in value.parts {
            switch part {
            case .plain(let piece): text += piece
            case .secret(let reference): text += try self.text(reference)
            }
        }
        return text
    }

    /// A key's bytes: after `base64:` what that encodes, else the text's own bytes. `count` bounds them.
    package func key(
        _ reference: SecretReference, count: ClosedRange<Int> = 16...4096
    ) throws(Problem) -> [UInt8] {
        let whole = try raw(reference)
        var bytes = withoutNewline(whole, reference)
        let prefix = Array("base64:".utf8)
        if bytes.starts(with: prefix) {
            guard
                let decoded = Base64.decode(
                    String(decoding: bytes[prefix.count...], as: UTF8.self))
            else {
                throw Problem(reference: reference.text, message: "is not base64 after 'base64:'")
            }
            bytes = decoded
        } else if count.count == 1, count.contains(whole.count) {
            // As many random bytes as there must be, of which the last happens to be a line feed.
            bytes = whole
        }
        guard count.contains(bytes.count) else {
            let wanted =
                count.lowerBound == count.upperBound
                ? "exactly \(count.lowerBound) bytes"
                : bytes.count < count.lowerBound
                    ? "at least \(count.lowerBound) bytes" : "at most \(count.upperBound) bytes"
            throw Problem(
                reference: reference.text, message: "holds \(bytes.count) bytes; \(wanted) needed")
        }
        return bytes
    }

    /// The remark that the reference's file can be read by others, nil where there is none to make.
    package func exposure(_ reference: SecretReference) -> Problem? {
        guard case .file(let path) = reference, let found = try? file(path), found.isExposed else {
            return nil
        }
        return Problem(
            reference: reference.text,
            message: "can be read by other users of this machine; chmod 600 \(path)")
    }

    private func raw(_ reference: SecretReference) throws(Problem) -> [UInt8] {
        switch reference {
        case .environment(let name):
            guard let value = environment(name) else {
                throw Problem(
                    reference: reference.text,
                    message: "the environment variable \(name) is not set")
            }
            return Array(value.utf8)
        case .file(let path):
            let found: SecretFile
            do throws(FileProblem) {
                found = try file(path)
            } catch {
                throw Problem(reference: reference.text, message: error.message)
            }
            return found.bytes
        }
    }

    private func withoutNewline(_ bytes: [UInt8], _ reference: SecretReference) -> [UInt8] {
        guard case .file = reference, bytes.last == UInt8(ascii: "\n") else { return bytes }
        let line = bytes.dropLast()
        return Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
