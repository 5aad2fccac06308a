internal import Glibc

/// Results to standard output, progress and errors to standard error; colour only on a terminal and
/// never the only carrier of meaning; NO_COLOR (no-color.org) honoured.
struct Console: Sendable {
    /// Columns to fit: 80 unless the terminal is wider.
    let width: Int
    let outIsTerminal: Bool
    let errorIsTerminal: Bool
    private let colourAllowed: Bool

    enum Colour: Int { case red = 31, green = 32, yellow = 33, cyan = 36, grey = 90 }
    enum Place { case out, error }

    init() {
        outIsTerminal = isatty(STDOUT_FILENO) == 1
        errorIsTerminal = isatty(STDERR_FILENO) == 1
        width = max(80, outIsTerminal ? Console.columns() : 80)
        let plain = Environment.value("NO_COLOR").map { !$0.isEmpty } ?? false
        colourAllowed = !plain && Environment.value("TERM") != "dumb"
    }

    /// A result, on a line of its own.
    func out(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }
    /// Progress or an error, on a line of its own.
    func progress(_ line: String) { write(line + "\n", to: STDERR_FILENO) }
    /// Without a line end: for a progress line that is redrawn. Only sensible where `errorIsTerminal`.
    func redraw(_ text: String) { write("\r\u{1B}[2K" + text, to: STDERR_FILENO) }

    /// What the user types, nil where nobody sits at a terminal to be asked.
    func ask(_ question: String) -> String? {
        guard isatty(STDIN_FILENO) == 1, errorIsTerminal else { return nil }
        write("\(question) ", to: STDERR_FILENO)
        return readLine(strippingNewline: true) ?? ""
    }

    /// `text` in that colour where `place` is a terminal, else as it stands.
    func paint(_ text: String, _ colour: Colour, on place: Place = .out) -> String {
        guard colourAllowed, place == .out ? outIsTerminal : errorIsTerminal else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    func report(_ failure: CommandFailure) {
        guard !failure.message.isEmpty else { return }
        progress("\(paint("crossdock:", .red, on: .error)) \(failure.message)")
        if let next = failure.next { progress("  \(next)") }
    }

    private func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR || errno == EAGAIN { continue }
                // Nobody reads any more, or the disk is full: there is no better place to say so.
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }

    private static func columns() -> Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return 80 }
        return Int(size.ws_col)
    }
}

enum Environment {
    static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
