import Contracts
import Testing

/// contract.md: filter, key, headers, tombstones, partition, violations.
@Suite struct EngineTests {
    @Test func `the flights filter passes what it says`() throws {
        let filter = "value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'"
        let decider = try Engine.decider(Engine.stream(["dep_delay"], filter: filter))
        func outcome(_ value: String) -> Outcome { decider.outcome(EngineRecord(value: value)) }
        #expect(outcome(#"{"dep_delay":2.0,"origin":"EWR"}"#).value == #"{"dep_delay":2.0}"#)
        #expect(outcome(#"{"dep_delay":2.0,"origin":"LGA"}"#).decision == .filtered)
        #expect(outcome(#"{"dep_delay":null,"origin":"EWR"}"#).decision == .filtered)
        #expect(outcome(#"{"dep_delay":-1,"origin":"EWR"}"#).decision == .filtered)
        #expect(outcome(#"{"dep_delay":2,"origin":"\u004cGA"}"#).decision == .filtered)
        #expect(outcome(#"{"origin":"EWR"}"#).rule == .filterError)
        #expect(outcome(#"{"dep_delay":"x","origin":"EWR"}"#).rule == .filterError)
    }

    @Test(arguments: [
        ("value.a > 2", true), ("value.a == 3.0", true), ("value.big > 9223372036854775807", true),
        ("value.big == 18446744073709551615u", true), ("value.huge > 1.0", true),
        ("value.s == 'x\"y'", true), ("has(value.o.k) && !has(value.o.z)", true),
        ("value.l[1] == 2 && 'k' in value.o && 3 in value.l", true),
        ("size(value.l) == 3 && size(value.s) == 3 && size(value) == 8", true),
        ("value.o == {'k': 1} && value.l == [1, 2, 3.0]", true),
        ("value['o'].k + 1 == 2", true), ("value[value.n] == 3", true),
        ("value.zz == 1 || true", true), ("false && value.zz == 1", false),
        ("value.a > 1 ? value.s.startsWith('x') : false", true),
        ("value.s.matches('^x.y$') && value.s.contains('\"')", true),
        ("value.s.matches(value.n)", false), ("topic == 'source' && partition == 4", true),
        ("offset == 77 && key == 'k-1'", true), ("headers.h == 'two' && !('z' in headers)", true),
        ("headers['h'] == 'two' && size(headers) == 2", true), ("headers.n == null", true),
        ("double(value.a) * 1.5 == 4.5", true), ("value.a % 2 == 1 && -value.a < 0", true),
    ])
    func `a filter sees the record as CEL has it`(_ filter: String, _ passes: Bool) throws {
        let decider = try Engine.decider(Engine.stream(["a"], filter: filter))
        let value =
            #"{"a":3,"big":18446744073709551615,"huge":1e400,"s":"x\"y","o":{"k":1},"l":[1,2,3],"n":"a","#
            + #""u":"é"}"#
        let record = EngineRecord(
            value: value, key: "k-1", headers: [("h", "one"), ("n", nil), ("h", "two")],
            partition: 4, offset: 77)
        #expect(decider.outcome(record).decision == (passes ? .delivered : .filtered))
    }

    @Test(arguments: [
        "value.zz == 1", "value.a", "value.s + 1 == 2", "value.l[9] == 1", "1 / (value.a - 3) == 1",
        "value.a.b == 1", "has(value.a.b)", "value.a + 9223372036854775807 > 0",
        "value.a * 1.5 > 1.0",
        "!value.a", "value.s.matches('[') || value.zz", "int(value.s) > 0", "value.o.k > 'a'",
    ])
    func `an evaluation error and a value that is no bool are violations`(_ filter: String) throws {
        // A pattern that is not RE2 is refused when the contract is loaded.
        guard CEL.check(filter).allSatisfy({ $0.severity == .warning }) else { return }
        let outcome = try Engine.decide(
            Engine.stream(["a"], filter: filter), #"{"a":3,"s":"x","l":[],"o":{"k":1}}"#)
        let isNotBool = filter == "value.a"
        #expect(outcome.rule == (isNotBool ? .filterNotBool : .filterError))
        #expect(outcome.decision == .quarantined)
    }

    @Test func `the record is validated whole before the filter sees it`() throws {
        let stream = try Engine.stream(["a"], filter: "value.a > 100")
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        for bad in [
            "", " ", "[1]", "1", #"{"a":1"#, #"{"a":1}x"#, #"{"a":1,}"#, #"{"a":1,"a":1}"#,
            #"{"a":1,"b":{"c":1,"\u0063":2}}"#, #"{"a":1,"b":[{"c":1,"c":2}]}"#, #"{"a":01}"#,
            #"{"a":1,"b":"\ud800"}"#, #"{"a":1,"b":"\udc00\ud800"}"#, #"{"a":1,"\ud800":1}"#,
            #"{"a":1,"b":tru}"#, "{\"a\":1,\"b\":\"\u{1}\"}", "\u{FEFF}{\"a\":1}",
            #"{"a":1,"b":\#(deep)}"#, #"{"a":.5}"#, #"{"a":1.}"#, #"{"a":1e}"#, #"{"a":+1}"#,
            #"{"a":"\x"}"#, #"{a:1}"#, #"{"a" 1}"#, #"{"a":1 "b":2}"#, #"{"a":12345678.}"#,
        ] {
            #expect(try Engine.decide(stream, bad).rule == .invalidJSON, "\(bad)")
        }
        let nearlyTooDeep = String(deep.dropFirst().dropLast())
        #expect(
            try Engine.decide(stream, #"{"a":1,"b":\#(nearlyTooDeep)}"#).decision == .filtered)
        #expect(try Engine.decide(stream, #"{"a":1,"b":{"a":1}}"#).decision == .filtered)
    }

    @Test func `duplicates are found among names that were seen before, new ones, and very many`()
        throws
    {
        let decider = try Engine.decider(Engine.stream(["n7"]))
        for count in [3, 20, 700, 5000] {
            let members = (0..<count).map { "\"n\($0)\":\($0)" }
            let good = "{\(members.joined(separator: ","))}"
            #expect(decider.outcome(EngineRecord(value: good)).decision == .delivered)
            for twin in [0, count / 2, count - 1] {
                for place in [1, count / 2, count] {
                    var bad = members
                    bad.insert("\"n\(twin)\" : 1", at: place)
                    let value = "{\(bad.joined(separator: ","))}"
                    #expect(decider.outcome(EngineRecord(value: value)).rule == .invalidJSON)
                }
            }
        }
    }

    @Test func `keys are kept, dropped, pseudonymised or taken from the value`() throws {
        func key(_ rule: Stream.KeyRule, _ record: EngineRecord) throws -> Outcome {
            try Engine.decider(Engine.stream(["a"], key: rule)).outcome(record)
        }
        let record = EngineRecord(value: #"{"a":"x\u0079","b":1.50,"c":null,"d":[]}"#, key: "raw")
        #expect(try key(.keep, record).key == "raw")
        #expect(try key(.keep, EngineRecord(key: "")).key == "")
        #expect(try key(.keep, EngineRecord()).key == nil)
        #expect(try key(.drop, record).key == nil)
        let pseudonym = Pseudonym(key: "k1", length: 20)
        #expect(try key(.pseudonym(pseudonym), record).key?.utf8.count == 20)
        #expect(try key(.pseudonym(pseudonym), EngineRecord()).key == nil)
        func path(_ text: String, _ transform: Transform? = nil) throws -> Outcome {
            try key(.path(try Path(text: text), transform), record)
        }
        #expect(try path("a").key == "xy")
        #expect(try path("b").key == "1.50")
        #expect(try path("a", .mask(Mask(keepLast: 1))).key == "*y")
        #expect(try path("a", .pseudonym(pseudonym)).key?.utf8.count == 20)
        for absent in ["c", "d", "z", "b.x"] { #expect(try path(absent).rule == .key) }
        #expect(try path("b", .mask(Mask())).rule == .key)
    }

    @Test func `allowed headers leave in their order, duplicates included`() throws {
        let headers = [
            ("trace", "1"), ("x-internal", "s"), ("trace", nil), ("Trace", "3"), ("t", "4"),
        ]
        let record = EngineRecord(headers: headers)
        let some = try Engine.decider(Engine.stream([], headers: ["t", "trace"])).outcome(record)
        #expect(some.headers == ["trace=1", "trace=null", "t=4"])
        #expect(try Engine.decider(Engine.stream([])).outcome(record).headers.isEmpty)
    }

    @Test func `tombstones are dropped as filtered, or forwarded past filter and fields`() throws {
        let dropped = try Engine.stream(["a"], filter: "value.a > 0")
        #expect(try Engine.decide(dropped, nil).decision == .filtered)
        let forwarded = try Engine.stream(
            ["a"], filter: "value.a > 0", headers: ["h"], forwardsTombstones: true)
        let record = EngineRecord(value: nil, key: "k", headers: [("h", "1"), ("i", "2")])
        let outcome = try Engine.decider(forwarded).outcome(record)
        #expect(outcome.decision == .delivered && outcome.value == nil && outcome.key == "k")
        #expect(outcome.headers == ["h=1"])
    }

    @Test func `partition key is Kafka's murmur2 of the outgoing key`() throws {
        // Of org.apache.kafka.common.utils.Utils.murmur2, as its own test has them.
        let hashes: [(String, Int32)] = [
            ("21", -973_932_308), ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ]
        let decider = try Engine.decider(Engine.stream([], partition: .key), partitions: 1000)
        for (key, hash) in hashes {
            let outcome = decider.outcome(EngineRecord(key: key, partition: 3))
            #expect(outcome.partition == (hash & 0x7FFF_FFFF) % 1000, "\(key)")
        }
        let few = try Engine.decider(Engine.stream([], partition: .key), partitions: 4)
        #expect(few.outcome(EngineRecord(partition: 7)).partition == 3)
        let keep = try Engine.decider(Engine.stream([]), partitions: 4)
        #expect(keep.outcome(EngineRecord(key: "21", partition: 7)).partition == 7)
    }

    @Test func `bytes pass as they are, and a filter sees them as bytes`() throws {
        let stream = try Engine.stream(filter: "size(value) < 4 && value != b'no'", format: .bytes)
        #expect(try Engine.decide(stream, "{,").value == "{,")
        #expect(try Engine.decide(stream, "").value == "")
        #expect(try Engine.decide(stream, "no").decision == .filtered)
        #expect(try Engine.decide(stream, "12345").decision == .filtered)
        #expect(CEL.check("value.a == 1", format: .bytes).count == 1)
    }

    @Test func `a violation comes to what the contract says, and tells no contents`() throws {
        for (rule, decision) in [
            (Stream.OnViolation.quarantine, Decision.quarantined), (.stop, .stopped),
            (.drop, .dropped),
        ] {
            let stream = try Engine.stream(
                fields: [Engine.field("a", type: .integer)], filter: "value.b != 'x'",
                onViolation: rule)
            let decider = try Engine.decider(stream)
            for value in [#"{"a":"canary","b":1}"#, #"{"canary":1"#, #"{"a":1}"#] {
                let outcome = decider.outcome(EngineRecord(value: value))
                #expect(outcome.decision == decision)
                #expect(!outcome.detail.isEmpty && !outcome.detail.contains("canary"))
            }
            let outside = Violation(rule: .tooLarge, detail: "too large")
            #expect(decider.refuse(outside) == decision && decider.violation == outside)
            #expect(decider.outcome(EngineRecord(value: #"{"a":1,"b":1}"#)).decision == .delivered)
        }
    }

    @Test func `a missing key is an error before any record`() throws {
        let transform = Transform.pseudonym(Pseudonym(key: "k2"))
        let stream = try Engine.stream(fields: [Engine.field("a", transform)])
        #expect(throws: EngineError.self) { try Engine.decider(stream) }
    }
}
