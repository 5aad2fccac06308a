import Foundation
import Ledger
import Operations
import Testing

@Suite struct HaltGuideTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test("every reason that the lane halts with is in the table, and nothing else is")
    func reasons() throws {
        let room = Self.repository.appending(path: "Sources/Replication")
        var used: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(
            at: room, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /Halt\(\s*reason:\s*"([a-z-]+)"/) {
                used.insert(String(match.1))
            }
        }
        #expect(used.count > 10)
        #expect(used == Set(HaltGuide.all.map(\.reason)))
        #expect(Set(HaltGuide.all.map(\.reason)).count == HaltGuide.all.count)
    }

    @Test("every choice is one that the command line knows, with the same argument")
    func words() {
        for guide in HaltGuide.all {
            for choice in guide.choices {
                let word = HaltChoice.words.first { $0.word == choice.word }
                #expect(word?.word == choice.word)
                #expect(word?.argument == choice.argument)
            }
        }
        let used = Set(HaltGuide.all.flatMap(\.choices).map(\.word))
        #expect(used == Set(HaltChoice.words.map(\.word)))
    }

    @Test("texts are whole sentences that hold no path of a machine", arguments: HaltGuide.all)
    func sentences(_ guide: HaltGuide) {
        #expect(guide.meaning.hasSuffix("."))
        #expect(guide.remedy.hasSuffix("."))
        #expect(!guide.causes.isEmpty)
        for choice in guide.choices { #expect(choice.effect.hasSuffix(".")) }
    }

    @Test("without a ledger's position there is nothing to trust")
    func nothingToTrust() {
        func words(_ knows: Bool) -> [String] {
            HaltGuide.choices(for: Fixture.lost, knowsPartitions: knows).map(\.word)
        }
        #expect(words(true) == ["trust-ledger", "start-at", "retry"])
        #expect(words(false) == ["start-at", "retry"])
    }

    @Test("where a partition is gone, nothing can start in it")
    func goneSource() {
        func words(_ detail: String) -> [String] {
            let halt = Halt(reason: "source-truncated", detail: detail)
            return HaltGuide.choices(for: halt, knowsPartitions: true).map(\.word)
        }
        #expect(words("stock[3], decided up to 7, is not there any more: …") == ["retry"])
        #expect(words("stock[3] ends at 0 now and is decided up to 7") == ["start-at"])
    }
}
