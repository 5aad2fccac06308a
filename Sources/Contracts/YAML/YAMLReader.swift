/// A YAML file as a tree, with everything that is wrong about it as YAML.
package struct YAMLFile: Sendable {
    package static let maxBytes = 1 << 20
    private static let maxAttempts = 20

    package var source: SourceText
    /// Nil where the file is empty or could not be read at all; then there are findings, or there
    /// is nothing in it.
    package var root: YAMLNode?
    package var findings: Findings

    /// Reads all of it. A line that is not YAML is reported, left out, and the rest is read on, so that
    /// one bad value does not hide the other mistakes; as far as that makes sense.
    package init(bytes: [UInt8], file: String) {
        findings = Findings(file: file)
        source = SourceText("")
        guard bytes.count <= YAMLFile.maxBytes else {
            findings.error(Mark(line: 1, column: 1), "the file is larger than 1 MiB")
            return
        }
        let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        guard let text = String(validating: body, as: UTF8.self) else {
            source = SourceText(String(decoding: body, as: UTF8.self))
            findings.error(YAMLFile.firstInvalid(body), "the file is not UTF-8 text from here on")
            return
        }
        source = SourceText(text)
        var readable = source
        var attempts = 0
        while true {
            var bytes = Array(readable.text.utf8)
            // libyaml reads a block scalar at the very end of the input without a line end otherwise.
            bytes.append(UInt8(ascii: "\n"))
            let fault = parse(bytes, readable)
            guard let fault else { return }
            // What follows a line that was left out is often at fault only because of that.
            let isEcho =
                !fault.isOwn && findings.leftOut.keys.contains { abs($0 - fault.brokenLine) <= 1 }
            if !isEcho { findings.syntax(fault.mark, fault.message) }
            attempts += 1
            let isEmptied = readable.line(fault.brokenLine)?.allSatisfy { $0 == " " } ?? true
            guard !fault.isFinal, !isEmptied, attempts < YAMLFile.maxAttempts else { return }
            findings.leftOut[fault.brokenLine] = source.line(fault.brokenLine) ?? ""
            readable.blank(
                line: fault.brokenLine,
                from: max(fault.brokenColumn, readable.valueColumn(ofLine: fault.brokenLine)))
        }
    }

    private mutating func parse(_ bytes: [UInt8], _ readable: SourceText) -> YAMLParser.Fault? {
        bytes.withUnsafeBufferPointer { bytes in
            var parser = YAMLParser(bytes, source: readable, findings: findings)
            do throws(YAMLParser.Fault) {
                root = try parser.document()
                findings = parser.findings
                return nil
            } catch {
                return error
            }
        }
    }

    private static func firstInvalid(_ bytes: ArraySlice<UInt8>) -> Mark {
        var good = bytes.count
        // The longest valid prefix, by halves: validity of a prefix that ends inside a character is
        // repaired by cutting at most three bytes.
        var low = 0
        while low < good {
            let middle = (low + good + 1) / 2
            let cuts = (0...min(3, middle)).contains {
                String(validating: bytes.prefix(middle - $0), as: UTF8.self) != nil
            }
            if cuts { low = middle } else { good = middle - 1 }
        }
        while low > 0, String(validating: bytes.prefix(low), as: UTF8.self) == nil { low -= 1 }
        let lines = SourceText(String(decoding: bytes.prefix(low), as: UTF8.self)).lines
        return Mark(line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }
}

extension SourceText {
    /// The column (from 1) where the value of a `key: value` line begins, 1 where it is no such line.
    fileprivate func valueColumn(ofLine number: Int) -> Int {
        guard lines.indices.contains(number - 1) else { return 1 }
        let line = lines[number - 1]
        var index = line.startIndex
        while index < line.endIndex, line[index] == " " || line[index] == "-" { index += 1 }
        let start = index
        while index < line.endIndex, line[index].properties.isAlphabetic { index += 1 }
        guard index > start, index + 1 < line.endIndex, line[index] == ":", line[index + 1] == " "
        else { return 1 }
        return index + 2
    }
}
