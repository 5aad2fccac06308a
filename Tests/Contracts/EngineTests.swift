import Contracts
import Testing

@Suite struct EngineTests {
    @Test func `only named members leave, in the contract's order`() throws {
        let outcome = try Engine.decide(
            Engine.stream(["c", "a"]), #"{"a": 1.50, "secret": [1], "b": {"a": 2}, "c": "x\u0041"}"#
        )
        #expect(outcome.value == #"{"c":"x\u0041","a":1.50}"#)
    }

    @Test func `the flights filter passes what it says`() throws {
        let filter = "value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'"
        let stream = try Engine.stream(["dep_delay"], filter: filter)
        #expect(
            try Engine.decide(stream, #"{"dep_delay":2.0,"origin":"EWR"}"#).value
                == #"{"dep_delay":2.0}"#)
        #expect(
            try Engine.decide(stream, #"{"dep_delay":2.0,"origin":"LGA"}"#).decision == .filtered)
        #expect(
            try Engine.decide(stream, #"{"dep_delay":null,"origin":"EWR"}"#).decision == .filtered)
        #expect(
            try Engine.decide(stream, #"{"dep_delay":-1,"origin":"EWR"}"#).decision == .filtered)
        #expect(try Engine.decide(stream, #"{"origin":"EWR"}"#).rule == .filterError)
        #expect(
            try Engine.decide(stream, #"{"dep_delay":"x","origin":"EWR"}"#).rule == .filterError)
    }
}
