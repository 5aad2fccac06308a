import Glibc
import Lab
import Testing

struct ChildProcessTests {
    private let log = "/tmp/crossdock-child-\(UInt32.random(in: 0 ... .max)).log"

    @Test("a child's exit code and everything it says are kept")
    func exitCode() throws {
        defer { unlink(log) }
        let child = try ChildProcess(
            "/bin/sh", ["-c", "echo \"$GREETING\"; pwd >&2; exit 7"],
            environment: ["GREETING": "hello"], directory: "/", log: log)
        #expect(child.wait(.seconds(10)) == 7)
        #expect(!child.isRunning)
        #expect(contents() == "hello\n/\n")
    }

    @Test("a program that is not there is an error, not a child")
    func missing() {
        defer { unlink(log) }
        #expect(throws: LabFailure("/nonexistent: No such file or directory")) {
            try ChildProcess("/nonexistent", [], log: log)
        }
    }

    @Test("a signal reaches what the child has started too")
    func group() throws {
        defer { unlink(log) }
        let child = try ChildProcess(
            "/bin/sh", ["-c", "sleep 60 & echo $!; wait"], log: log)
        var grandchild: Int32?
        while grandchild == nil {
            usleep(2_000)
            grandchild = Int32(contents().split(separator: "\n").first ?? "")
        }
        child.end()
        #expect(child.exitCode == 128 + SIGKILL)
        // Its new parent reaps it; until then a killed process still has a pid.
        while kill(try #require(grandchild), 0) == 0 { usleep(2_000) }
    }

    @Test("signals that this process blocks are not blocked in a child")
    func mask() throws {
        defer { unlink(log) }
        var blocked = sigset_t()
        var before = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let child = try ChildProcess("/bin/sleep", ["60"], log: log)
        child.signal(SIGTERM)
        #expect(child.wait(.seconds(10)) == 128 + SIGTERM)
    }

    private func contents() -> String {
        guard let file = fopen(log, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

struct FlightsTests {
    @Test("the binary carries 5,000 flights as the source has them")
    func rows() {
        let flights = Flights()
        #expect(flights.rows.count == 5000)
        #expect(flights.rows.allSatisfy { $0.count == 19 })
        #expect(
            flights.json(0)
                == #"{"year":2013,"month":1,"day":1,"dep_time":517.0,"sched_dep_time":515,"#
                + #""dep_delay":2.0,"arr_time":830.0,"sched_arr_time":819,"arr_delay":11.0,"#
                + #""carrier":"UA","flight":1545,"tailnum":"N14228","origin":"EWR","dest":"IAH","#
                + #""air_time":227.0,"distance":1400,"hour":5,"minute":15,"#
                + #""time_hour":"2013-01-01T10:00:00Z"}"#)
        #expect(flights.key(0) == "UA1545")
        #expect((0..<5000).contains { flights.json($0, "tailnum") == "null" })
    }
}
