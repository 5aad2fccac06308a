import Foundation
import Testing

@testable import Contracts

@Suite struct JSONConformanceTests {
    private func isValid(_ data: Data) -> Bool {
        var scanner = JSONScanner(names: NameTable(planned: 0), slotCount: 0)
        defer { scanner.free() }
        return Array(data).withUnsafeBytes { scanner.scanValue($0) }
    }

    /// Duplicate member names are refused: parsers disagree on them, and that is how things leak.
    private let duplicates: Set = [
        "y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json",
    ]

    /// What RFC 8259 leaves open, decided: contract.md lets numbers of any size pass as text and refuses
    /// what is not UTF-8, lone surrogates, a byte order mark, and nesting deeper than 128.
    private let acceptedOfOpen: Set = [
        "i_number_double_huge_neg_exp.json", "i_number_huge_exp.json",
        "i_number_neg_int_huge_exp.json", "i_number_pos_double_huge_exp.json",
        "i_number_real_neg_overflow.json", "i_number_real_pos_overflow.json",
        "i_number_real_underflow.json", "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json", "i_number_very_big_negative_int.json",
    ]

    @Test func `every case of the JSON suite is decided as RFC 8259 and contract say`() throws {
        guard let folder = ConformanceFolder.folder("json") else { return }
        var counts: [Character: Int] = [:]
        for file in try ConformanceFolder.files(folder, ".json") {
            let name = file.lastPathComponent
            let expected: Bool
            switch name.first {
            case "y": expected = !duplicates.contains(name)
            case "n": expected = false
            default: expected = acceptedOfOpen.contains(name)
            }
            counts[name.first ?? "?", default: 0] += 1
            #expect(isValid(try Data(contentsOf: file)) == expected, "\(name)")
        }
        #expect((counts["y"] ?? 0) > 50 && (counts["n"] ?? 0) > 100)
    }
}
