internal import CChild
internal import Glibc

/// Something outside could not be started, reached or written. Says what and why.
package struct LabFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// A child that dies with the thread that started it, in a process group of its own, with everything
/// it says in a file.
package final class ChildProcess {
    package let pid: Int32
    /// Set once the child was reaped: its exit code, or 128 + the signal that ended it.
    package private(set) var exitCode: Int32?

    /// - Parameters:
    ///   - words: the arguments after the program's own name.
    ///   - environment: variables on top of this process's own.
    ///   - log: file that both outputs are appended to.
    package init(
        _ program: String, _ words: [String], environment: [String: String] = [:],
        directory: String? = nil, log: String
    ) throws(LabFailure) {
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw LabFailure("\(log): \(ChildProcess.text(of: errno))") }
        let arguments = CStrings([program] + words)
        let variables = CStrings(ChildProcess.inherited(with: environment))
        let started = crossdock_spawn(
            program, arguments.pointers, variables.pointers, directory, output)
        close(output)
        guard started > 0 else {
            throw LabFailure("\(program): \(ChildProcess.text(of: -started))")
        }
        pid = started
    }

    package var isRunning: Bool {
        if exitCode == nil { reap(WNOHANG) }
        return exitCode == nil
    }

    /// Signals the child and everything that it started.
    package func signal(_ number: Int32) {
        if isRunning { kill(-pid, number) }
    }

    /// SIGSTOP. Threads stop one after the other, and one that still runs may answer: returns when all
    /// have, or after 10 s.
    package func stop() {
        signal(SIGSTOP)
        let end = ContinuousClock.now + .seconds(10)
        var info = siginfo_t()
        while ContinuousClock.now < end {
            let answer = waitid(P_PID, id_t(pid), &info, WSTOPPED | WNOHANG)
            guard answer == 0 || errno == EINTR, info.si_signo == 0 else { return }
            usleep(1_000)
        }
    }

    /// Waits for the end; nil where the child still runs after `timeout`.
    package func wait(_ timeout: Duration) -> Int32? {
        let end = ContinuousClock.now + timeout
        while isRunning {
            guard ContinuousClock.now < end else { return nil }
            usleep(5_000)
        }
        return exitCode
    }

    /// SIGKILL to the whole group, then waits for it to be gone.
    package func end() {
        signal(SIGKILL)
        if exitCode == nil { reap(0) }
    }

    private func reap(_ options: Int32) {
        var status: Int32 = 0
        var reaped = waitpid(pid, &status, options)
        while reaped < 0, errno == EINTR { reaped = waitpid(pid, &status, options) }
        guard reaped != 0 else { return }
        // Layout of a wait status, as <bits/waitstatus.h> has it; not a child of ours any more: 255.
        let signal = status & 0x7F
        exitCode = reaped < 0 ? 255 : signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private static func inherited(with changes: [String: String]) -> [String] {
        var lines: [String] = []
        var next = environ
        while let entry = next.pointee {
            let line = String(cString: entry)
            let name = line.prefix { $0 != "=" }
            if changes[String(name)] == nil { lines.append(line) }
            next += 1
        }
        return lines + changes.map { "\($0.key)=\($0.value)" }
    }

    private static func text(of code: Int32) -> String { String(cString: strerror(code)) }
}

/// A NULL-terminated array of C strings, for the calls that take an argument vector.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        pointers = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { pointers[index] = strdup(text) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
