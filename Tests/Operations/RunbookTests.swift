import Foundation
import Operations
import Testing

@Suite struct RunbookTests {
    private let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test(arguments: HaltGuide.all)
    func `every halt has a page that names its choices and ends in the command`(
        guide: HaltGuide
    ) throws {
        let page = repository.appending(path: HaltGuide.page(of: guide.reason))
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.hasPrefix("# \(guide.reason)\n"))
        for choice in guide.choices {
            #expect(text.contains("`--\(choice.word)"), "\(choice.word)")
        }
        for (word, _) in HaltChoice.words where text.contains("CONTRACT --\(word)") {
            #expect(guide.choices.contains { $0.word == word }, "offers \(word)")
        }
        let last = text.split(separator: "\n").dropLast().last ?? ""
        #expect(last.hasPrefix("crossdock "))
        #expect(last.hasPrefix("crossdock recover") == !guide.choices.isEmpty)
    }

    @Test func `there is no page without a halt`() throws {
        let folder = repository.appending(path: "runbooks/halts").path
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder)
        // A changed contract under its old version is refused by start, before any lane.
        let reasons = HaltGuide.all.map(\.reason) + ["contract-pin"]
        #expect(Set(pages) == Set(reasons.map { "\($0).md" }))
    }
}
