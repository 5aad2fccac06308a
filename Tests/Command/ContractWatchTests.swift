import Glibc
import Testing

@testable import crossdock

/// Files as they are replaced in the field.
@Suite struct ContractWatchTests {
    private struct Place: ~Copyable {
        private let tool: Tool
        var path: String { tool.directory }
        init() throws { tool = try Tool() }

        func write(_ name: String, _ text: String) throws {
            unlink("\(path)/\(name)")
            try Files.create("\(path)/\(name)", Array(text.utf8))
        }

        /// As an editor or a deployment does it: into place, over what is there.
        func replace(_ name: String, _ text: String) throws {
            try write("\(name).new", text)
            #expect(rename("\(path)/\(name).new", "\(path)/\(name)") == 0)
        }
    }

    /// Looks until it is settled, as the service does; whether a change was seen.
    private func sees(_ watch: inout ContractWatch) -> Bool {
        for _ in 0..<2 {
            if watch.look() { return watch.read { _ in } != nil }
        }
        return false
    }

    @Test func `a file that is rewritten, replaced, added or removed is seen, each once`() throws {
        let place = try Place()
        try place.write("a.yaml", "1")
        var watch = ContractWatch(patterns: ["\(place.path)/*.yaml"])
        #expect(sees(&watch), "the first look")
        #expect(!sees(&watch))
        try place.replace("a.yaml", "2")
        #expect(sees(&watch))
        #expect(!sees(&watch))
        try place.write("b.yaml", "1")
        #expect(sees(&watch))
        #expect(watch.files == ["\(place.path)/a.yaml", "\(place.path)/b.yaml"])
        unlink("\(place.path)/a.yaml")
        #expect(sees(&watch))
        #expect(watch.files == ["\(place.path)/b.yaml"])
        #expect(!sees(&watch))
    }

    @Test func `a file that is being written is left until it stands still`() throws {
        let place = try Place()
        try place.write("a.yaml", "1")
        var watch = ContractWatch(patterns: ["\(place.path)/*.yaml"])
        #expect(sees(&watch))
        for length in 2...5 {
            try place.write("a.yaml", String(repeating: "x", count: length))
            let isSettled = watch.look()
            #expect(!isSettled)
        }
        let isSettled = watch.look()
        #expect(isSettled)
        // What changes while it is read is read again.
        let read: Void? = watch.read { _ in
            #expect(throws: Never.self) { try place.replace("a.yaml", "y") }
        }
        #expect(read == nil)
        #expect(sees(&watch))
    }

    @Test func `a config map's directory is swapped by its link`() throws {
        let place = try Place()
        for version in ["v1", "v2"] {
            try Files.makeDirectory("\(place.path)/\(version)")
            try place.write("\(version)/a.yaml", "same length \(version)")
        }
        symlink("v1", "\(place.path)/..data")
        symlink("..data/a.yaml", "\(place.path)/a.yaml")
        var watch = ContractWatch(patterns: ["\(place.path)/*.yaml"])
        #expect(sees(&watch))
        symlink("v2", "\(place.path)/..next")
        #expect(rename("\(place.path)/..next", "\(place.path)/..data") == 0)
        #expect(sees(&watch))
        #expect(!sees(&watch))
    }

    @Test func `a directory that is gone holds no file; one that cannot be read is unknown`() throws
    {
        let place = try Place()
        try Files.makeDirectory("\(place.path)/in")
        try place.write("in/a.yaml", "1")
        var watch = ContractWatch(patterns: ["\(place.path)/in/*.yaml"])
        #expect(sees(&watch))
        if geteuid() != 0 {
            chmod("\(place.path)/in", 0)
            #expect(watch.files == nil && !sees(&watch))
            chmod("\(place.path)/in", 0o755)
        }
        unlink("\(place.path)/in/a.yaml")
        rmdir("\(place.path)/in")
        #expect(sees(&watch))
        #expect(watch.files == [])
    }
}
