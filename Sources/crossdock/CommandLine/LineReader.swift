internal import Glibc

/// Lines of a file, or of standard input where the path is `-`, as they come.
final class LineReader {
    /// Kafka's own bound on a record is below it.
    static let maximumLine = 1 << 30

    /// For messages.
    let name: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Of the buffer: where the next line begins, and up to where no line feed stands.
    private var start = 0
    private var searched = 0
    private var isAtEnd = false

    init(_ path: String) throws(CommandFailure) {
        name = path == "-" ? "standard input" : path
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LineReader.failure(name, errno) }
    }

    deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

    /// Without its line feed; nil at the end.
    func next() throws(CommandFailure) -> [UInt8]? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[start..<end])
                start = end + 1
                searched = start
                return line
            }
            searched = buffer.count
            if isAtEnd {
                guard start < buffer.count else { return nil }
                let line = Array(buffer[start...])
                start = buffer.count
                return line
            }
            guard buffer.count - start <= LineReader.maximumLine else {
                throw CommandFailure(.cannotRun, "\(name): a line is longer than 1 GiB")
            }
            try fill()
        }
    }

    private func fill() throws(CommandFailure) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        let size = max(1 << 16, buffer.count)
        let before = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: size))
        var count = 0
        repeat {
            count = buffer.withUnsafeMutableBytes { bytes in
                read(descriptor, bytes.baseAddress.map { $0 + before }, size)
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { throw LineReader.failure(name, errno) }
        buffer.removeLast(size - count)
        isAtEnd = count == 0
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        CommandFailure(.cannotRun, "cannot read \(path): \(String(cString: strerror(code)))")
    }
}
