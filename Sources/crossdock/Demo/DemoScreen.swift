/// What the demo shows: numbered steps with the time that each took, and a bar while records move.
struct DemoScreen {
    static let steps = 6
    let console: Console
    private let clock = ContinuousClock()
    private var begun: ContinuousClock.Instant

    init(console: Console) {
        self.console = console
        begun = clock.now
    }

    /// Starts a step's clock; what takes a while is named on a terminal until it is done.
    mutating func begin(_ what: String) {
        begun = clock.now
        if console.errorIsTerminal { console.redraw("      \(what) …") }
    }

    /// Ends the step that was begun.
    func end(_ step: Int, _ what: String) {
        clear()
        let line = "[\(step)/\(Self.steps)] \(what)"
        let seconds = Self.seconds(clock.now - begun)
        let gap = max(2, 80 - line.count - seconds.count)
        console.out(line + String(repeating: " ", count: gap) + seconds)
    }

    /// A line below a step.
    func say(_ text: String) {
        clear()
        console.out("      " + text)
    }

    func bar(_ done: Int, of total: Int) {
        guard console.errorIsTerminal else { return }
        let width = 26
        let filled = total == 0 ? width : min(width, done * width / total)
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let (seconds, attoseconds) = (clock.now - begun).components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        let rate = elapsed > 0.05 ? "   \(Self.rate(Double(done) / elapsed))" : ""
        console.redraw("      \(bar)  \(Self.grouped(done)) of \(Self.grouped(total))\(rate)")
    }

    private func clear() {
        if console.errorIsTerminal { console.redraw("") }
    }

    /// With a comma every three digits.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (place, digit) in String(number).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// Cut to the columns that a step's text has.
    func fitted(_ text: String) -> String {
        let room = console.width - 14
        return text.count <= room ? text : text.prefix(room - 1) + "…"
    }

    private static func rate(_ perSecond: Double) -> String {
        perSecond < 10_000
            ? "\(grouped(Int(perSecond))) rec/s" : "\(Int(perSecond / 1000)) k rec/s"
    }

    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(seconds).\(attoseconds / 100_000_000_000_000_000) s"
    }
}
