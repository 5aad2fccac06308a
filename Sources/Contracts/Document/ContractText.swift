internal import Cryptography

/// Which part of a contract's file is the contract: all that stands before its `tests:` section, without the
/// blank and comment lines at the end. This part is what is read and what the hash is of, so that nothing
/// which decides records can stand outside the hash, and a test can be added under the same version.
struct ContractText {
    /// Without the line feed of the last line: whether a file ends in one makes no difference.
    let bytes: [UInt8]
    /// Lines of the contract; what stands below is tests, comments or nothing.
    let lines: Int

    /// `testsLine`: the line (from 1) that begins with `tests:`, nil where none does.
    init(_ file: [UInt8], testsLine: Int?) {
        var starts = [0]
        for (index, byte) in file.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(index + 1)
        }
        var count = testsLine.map { min($0 - 1, starts.count) } ?? starts.count
        func line(_ number: Int) -> ArraySlice<UInt8> {
            file[starts[number]..<(number + 1 < starts.count ? starts[number + 1] : file.count)]
        }
        while count > 0, Self.saysNothing(line(count - 1)) { count -= 1 }
        var bytes = Array(file[..<(count < starts.count ? starts[count] : file.count)])
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        self.bytes = bytes
        lines = count
    }

    /// Lower-case hex of the SHA-256 of the lines, the last one with its line feed.
    var hash: String { Hex.encode(SHA256.hash(bytes + [UInt8(ascii: "\n")])) }

    /// A comment in the first column is one wherever it stands: a block scalar's text is indented.
    private static func saysNothing(_ line: ArraySlice<UInt8>) -> Bool {
        line.first == UInt8(ascii: "#")
            || line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
    }
}
