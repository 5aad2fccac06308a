import Contracts
import Testing

/// Default deny against what nobody has thought of yet: the source team adds a column, and the partner's
/// record does not change by a byte.
@Suite struct GainedColumnTests {
    /// Objects at every depth, in arrays, in arrays of arrays, empty ones; no braces inside strings.
    private let record = """
        {"id":7,"free":3,"mail":"a@b","crew":{"name":"Ada","home":{"city":"Ulm","zip":"89073"}},\
        "legs":[{"no":1,"gate":{"name":"A","level":2},"stops":[{"code":"X"},{}]},{},{"no":2}],\
        "grid":[[{"id":1}],[]],"empty":{},"a.b":{"c":1}}
        """

    private func decider() throws -> StreamDecider {
        let fields = [
            try Engine.field("id", type: .integer, required: true),
            try Engine.field("mail", .mask(Mask(keepLast: 1))),
            try Engine.field("crew.name", as: "who.name"),
            try Engine.field("crew.home.city"),
            try Engine.field("legs[].no"),
            try Engine.field("legs[].gate.name"),
            try Engine.field("legs[].stops[].code", .pseudonym(Pseudonym(key: "k1"))),
            try Engine.field("\"a.b\".c"),
            try Engine.field("empty.x"),
            Field(
                source: .value(Expression(text: "value.free > 2")),
                output: try Path(text: "late")),
        ]
        return try Engine.decider(
            Engine.stream(fields: fields, filter: "value.free > 0", headers: ["trace"]))
    }

    /// The record with one more member at `place`, which is behind a `{` or before a `}`.
    private func grown(_ place: String.Index, _ name: String, _ value: String) -> String {
        let before = record[..<place]
        let after = record[place...]
        let member = "\"\(name)\":\(value)"
        if before.last == "{" { return before + member + (after.first == "}" ? "" : ",") + after }
        return before + "," + member + after
    }

    private var places: [String.Index] {
        record.indices.flatMap { index -> [String.Index] in
            switch record[index] {
            case "{": [record.index(after: index)]
            case "}" where record[record.index(before: index)] != "{": [index]
            default: []
            }
        }
    }

    /// Names that look like what the contract names, without being it, beside plain ones.
    private let names = [
        "canary", "", "crew.name", "legs[].no", "ID", "id ", "i\\u0064x", "a", "late", "who", "x y",
        "\\\"a.b\\\"", "trace", "i\\u0064\\u0000", "\u{FEFF}id",
    ]
    private let values = [
        "\"canary\"", "-909090.5e3", "true", "null", "[]", "{}",
        "[\"canary\",[{\"no\":\"canary\"}]]",
        "{\"id\":\"canary\",\"no\":\"canary\",\"name\":\"canary\",\"crew\":{\"name\":\"canary\"}}",
        "{\"c\":\"canary\",\"city\":\"canary\",\"code\":\"canary\",\"legs\":[{\"no\":\"canary\"}]}",
    ]

    @Test func `a source record that gains a column never shows it to the partner`() throws {
        let decider = try decider()
        let known = decider.outcome(EngineRecord(value: record))
        #expect(known.decision == .delivered)
        #expect(known.value?.contains("\"no\":1") == true)
        var count = 0
        for place in places {
            for name in names {
                for value in values {
                    let outcome = decider.outcome(EngineRecord(value: grown(place, name, value)))
                    count += 1
                    if outcome != known {
                        Issue.record("\(grown(place, name, value)): \(outcome)")
                    }
                }
            }
        }
        // 12 objects, each at its begin and, but for the 3 empty ones, at its end.
        #expect(places.count == 21, "\(places.count)")
        #expect(count == places.count * names.count * values.count)
    }

    @Test func `nor one that gains columns everywhere at once`() throws {
        let decider = try decider()
        let known = decider.outcome(EngineRecord(value: record))
        for value in values {
            var text = ""
            for character in record {
                if character == "}" {
                    text += (text.last == "{" ? "" : ",") + "\"last\":\(value)"
                }
                text.append(character)
                if character == "{" { text += "\"first\":\(value)," }
            }
            text = text.replacing(",,", with: ",")
            #expect(decider.outcome(EngineRecord(value: text)) == known, "\(text)")
        }
    }

    @Test func `a header that is gained stays, too`() throws {
        let decider = try decider()
        let outcome = decider.outcome(
            EngineRecord(
                value: record,
                headers: [("canary", "1"), ("trace", "t"), ("Trace", "2"), ("", "3")]))
        #expect(outcome.headers == ["trace=t"])
    }
}
