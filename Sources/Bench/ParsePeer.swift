import Glibc

/// simdjson's DOM parser, from the library that Sources/Bench/peers/build makes.
struct ParsePeer {
    private typealias Parse = @convention(c) (UnsafePointer<UInt8>?, Int, Int) -> Int32

    let name: String
    private let parse: Parse

    /// Nil where the library has not been built.
    init?(path: String) {
        guard let library = dlopen(path, RTLD_NOW), let parse = dlsym(library, "peer_parse"),
            let name = dlsym(library, "peer_name")
        else { return nil }
        typealias Name = @convention(c) () -> UnsafePointer<CChar>
        self.name = String(cString: unsafeBitCast(name, to: Name.self)())
        self.parse = unsafeBitCast(parse, to: Parse.self)
    }

    @inline(__always)
    func isJSON(_ text: UnsafeRawBufferPointer, readable: Int) -> Bool {
        let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return parse(start, text.count, readable) != 0
    }
}
