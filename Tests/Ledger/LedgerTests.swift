import Foundation
import Glibc
import Ledger
import Testing

@Suite struct LedgerTests {
    private let directory = TemporaryDirectory()
    private let lane = LaneID(contract: "c", lane: 0)

    private func open(_ access: Ledger.Access) throws -> Ledger {
        try Ledger.open(directory: directory.path, access: access)
    }

    private func kind(_ body: () throws -> some Any) -> LedgerFailure.Kind? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? LedgerFailure)?.kind
        }
    }

    @Test func `one service at a time, told apart from readers, and free again after it`() throws {
        #expect(kind { try open(.reader) } == .missing)
        let service = try open(.service)
        #expect(kind { try open(.service) } == .inUse)
        let reader = try open(.reader)
        #expect(reader.instance == service.instance)
        #expect(reader.isServiceRunning)
        // Asking, and a reader that goes, must not take the lock away.
        reader.close()
        #expect(kind { try open(.service) } == .inUse)
        service.close()
        #expect(!Ledger.isServiceRunning(directory: directory.path))
        let again = try open(.service)
        #expect(again.instance == service.instance)
    }

    @Test func `the state directory is private, also one that was open to others`() throws {
        mkdir(directory.path, 0o755)
        let ledger = try open(.service)
        defer { ledger.close() }
        var status = stat()
        #expect(stat(directory.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test func `the ledger and its log are for the service's user alone`() throws {
        let ledger = try open(.service)
        defer { ledger.close() }
        for file in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "lock"] {
            var status = stat()
            #expect(stat("\(directory.path)/\(file)", &status) == 0, "\(file)")
            #expect(status.st_mode & 0o077 == 0, "\(file)")
        }
    }

    @Test func `damage is found, and told as such`() throws {
        let made = try open(.service)
        let store = LaneStore(ledger: made, lane: lane)
        for number in 0..<200 { try store.write([.claim(Nonce(high: 1, low: UInt64(number)))]) }
        made.close()
        let file = "\(directory.path)/ledger.db"
        var bytes = try Data(contentsOf: URL(filePath: file))
        // Everything behind the schema's page.
        for index in stride(from: 8192, to: bytes.count, by: 7) { bytes[index] = 0xAA }
        try bytes.write(to: URL(filePath: file))
        #expect(
            kind {
                let ledger = try open(.service)
                if try !ledger.quickCheck().isEmpty { throw LedgerFailure(.corrupt, "found") }
            } == .corrupt)
    }

    @Test func `a ledger of a newer release is left alone`() throws {
        try open(.service).close()
        let file = "\(directory.path)/ledger.db"
        // user_version: a big-endian word at offset 60 of the file's header (SQLite's file format).
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[63] = 99
        try bytes.write(to: URL(filePath: file))
        #expect(kind { try open(.service) } == .unsupported)
        #expect(kind { try open(.reader) } == .unsupported)
    }

    @Test func `a reader cannot write, an operator records choices`() throws {
        let service = try open(.service)
        let store = LaneStore(ledger: service, lane: lane)
        try store.write([.halt(Halt(reason: "retention-gap", detail: "x", partition: partition(1)))]
        )
        let reader = try open(.reader)
        #expect(kind { try reader.recordAct(lane, choice: "a", reason: "retention-gap") } != nil)
        let user = try open(.operatorWrite)
        #expect(kind { try user.recordAct(lane, choice: "a", reason: "violation") } == .missing)
        try user.recordAct(lane, choice: "start-at", reason: "retention-gap", argument: "9")
        let act = try user.recordAct(lane, choice: "accept-gap", reason: "retention-gap")
        #expect(try store.newestAct() == 2)
        #expect(try store.books().pending == [act])
        try store.write([.applied(act: act.id), .clearHalt])
        #expect(try store.books().pending.isEmpty)
        #expect(try store.books().acts == [act])
        #expect(try store.books().halt == nil)
    }

    @Test func `an act about a contract is recorded once, and a revoke for good`() throws {
        let service = try open(.service)
        let store = LaneStore(ledger: service, lane: lane)
        let user = try open(.operatorWrite)
        func standing() throws -> ContractStanding { try store.books().acts.standing }
        #expect(try user.record(.resume, of: lane.contract) == .already(nil))
        #expect(try store.newestAct() == 0)
        guard case .recorded(let suspend) = try user.record(.suspend, of: lane.contract) else {
            Issue.record("not recorded")
            return
        }
        #expect(try user.record(.suspend, of: lane.contract) == .already(suspend))
        #expect(try standing() == .suspended)
        let other = LaneStore(ledger: service, lane: LaneID(contract: "b", lane: 0))
        #expect(try other.books().acts.isEmpty)
        // Within the same millisecond, or with a clock that was set back, the later act wins.
        guard case .recorded(let resume) = try user.record(.resume, of: lane.contract) else {
            Issue.record("not recorded")
            return
        }
        #expect(resume.at > suspend.at)
        #expect(try standing() == .active)
        guard case .recorded(let revoke) = try user.record(.revoke, of: lane.contract) else {
            Issue.record("not recorded")
            return
        }
        for what in [ContractAct.suspend, .resume] {
            #expect(try user.record(what, of: lane.contract) == .revoked(revoke))
        }
        #expect(try user.record(.revoke, of: lane.contract) == .already(revoke))
        #expect(try standing() == .revoked)
        #expect(try service.contractActs() == [lane.contract: [suspend, resume, revoke]])
    }

    @Test func `acts learned from markers stand once, for every lane or for their own`() throws {
        let service = try open(.service)
        let store = LaneStore(ledger: service, lane: lane)
        let revoke = Act(id: "0a", choice: "revoke", reason: "", argument: "", at: 5)
        let gap = Act(id: "0b", choice: "accept-gap", reason: "retention-gap", argument: "", at: 6)
        try store.write([.learn([revoke, gap])])
        try store.write([.learn([gap, revoke])])
        #expect(try store.books().acts == [revoke, gap])
        #expect(try store.books().pending.isEmpty)
        let other = LaneStore(ledger: service, lane: LaneID(contract: lane.contract, lane: 9))
        #expect(try other.books().acts == [revoke])
        #expect(try store.newestAct() == 2)
    }

    @Test func `markers carry the newest acts and those that the standing rests on`() {
        func act(_ number: Int64, _ choice: String) -> Act {
            Act(id: "\(number)", choice: choice, reason: "", argument: "", at: number)
        }
        let old = [act(1, "suspend"), act(2, "resume"), act(3, "revoke"), act(4, "revoke")]
        let all = old + (5..<30).map { act($0, "accept-gap") }
        let kept = all.shuffled().forMarkers
        #expect(kept.map(\.at) == [2, 3] + Array(22..<30))
        #expect((kept + [act(30, "suspend")]).forMarkers == (all + [act(30, "suspend")]).forMarkers)
        #expect(Array(old[..<2]).standing == .active)
        #expect(Array(old[..<1]).standing == .suspended)
        #expect(kept.standing == .revoked)
    }

    @Test func `changed content under an unchanged version is refused`() throws {
        let ledger = try open(.service)
        try ledger.pinContract(id: "c", version: "1.0.0", hash: "aaaa")
        try ledger.pinContract(id: "c", version: "1.0.0", hash: "aaaa")
        #expect(
            kind { try ledger.pinContract(id: "c", version: "1.0.0", hash: "bbbb") }
                == .contractChanged)
        try ledger.pinContract(id: "c", version: "1.0.1", hash: "bbbb")
        try ledger.pinContract(id: "d", version: "1.0.0", hash: "bbbb")
    }

    @Test func `a file that is no ledger is refused, and left as it is`() throws {
        mkdir(directory.path, 0o700)
        let file = "\(directory.path)/ledger.db"
        try "not a database, but long enough to look at".write(
            toFile: file, atomically: true, encoding: .utf8)
        #expect(kind { try open(.service) } == .corrupt)
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("not a database"))
    }

    @Test func `a state is told with the time since which it stands`() throws {
        let clock = TestClock()
        let ledger = try Ledger.open(
            directory: directory.path, access: .service, clock: { clock.milliseconds })
        clock.milliseconds = 1000
        try ledger.setState(lane, state: "waiting", detail: "brokers down")
        clock.milliseconds = 2000
        try ledger.setState(lane, state: "waiting", detail: "brokers down", retryAt: 2500)
        #expect(
            try ledger.report().first?.status
                == LaneStatus(
                    state: "waiting", detail: "brokers down", since: 1000, retryAt: 2500,
                    heartbeat: 2000))
        clock.milliseconds = 3000
        try ledger.setState(lane, state: "running", detail: "", committed: true)
        clock.milliseconds = 4000
        try ledger.beat([lane])
        #expect(
            try ledger.report().first?.status
                == LaneStatus(
                    state: "running", detail: "", since: 3000, lastCommit: 3000, heartbeat: 4000))
    }

    @Test func `a checkpoint topic that was seen once stays known`() throws {
        let ledger = try open(.service)
        #expect(try !ledger.checkpointTopicSeen(cluster: "p", topic: "t"))
        try ledger.noteCheckpointTopic(cluster: "p", topic: "t")
        try ledger.noteCheckpointTopic(cluster: "p", topic: "t")
        #expect(try ledger.checkpointTopicSeen(cluster: "p", topic: "t"))
        #expect(try !ledger.checkpointTopicSeen(cluster: "q", topic: "t"))
        #expect(try ledger.quickCheck().isEmpty)
    }
}
