import Testing

/// `crossdock preview` without a cluster, through the built binary.
@Suite("Preview")
struct PreviewTests {
    static let contract = """
        apiVersion: crossdock/v1
        kind: ReplicationContract
        id: seats
        version: 1.0.0
        status: draft
        source: { cluster: internal }
        target: { cluster: partner }
        streams:
          - from: seats
            to: partner.seats
            format: json
            filter: value.free > 0
            fields: [flight, { path: free, type: integer, required: true }]
            key: keep
            headers: [trace]

        """

    @Test("shows each decision with its reason, what leaves, and the names of what stays")
    func person() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write(
            "values",
            """
            {"flight":"UA1","free":3,"cost":"canary"}
            {"flight":"UA2","free":0}
            {"flight":"UA3","free":1.5}
            broken

            """)
        let result = try tool.run("preview", "seats.yaml", "--values", "values")
        #expect(result.code == 0)
        let lines = result.out.split(separator: "\n").map(String.init)
        #expect(lines[0] == "seats[0]@0  delivered -> partner.seats")
        #expect(lines[1] == #"  - {"flight":"UA1","free":3,"cost":"canary"}"#)
        #expect(lines[2] == #"  + {"flight":"UA1","free":3}"#)
        #expect(lines[3] == "    not sent: cost")
        #expect(lines[4] == "seats[0]@1  filtered  value.free > 0 is false")
        #expect(lines[5].hasPrefix("seats[0]@2  quarantined  type: free"))
        #expect(lines[6].hasPrefix("seats[0]@3  quarantined  invalid-json"))
        #expect(lines[7] == "4 read: 1 delivered, 1 filtered, 2 quarantined")
        #expect(lines.count == 8)
    }

    @Test("reads what kcat prints, and prints one JSON object a record")
    func machine() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write(
            "records",
            #"{"topic":"seats","partition":2,"offset":7,"ts":1,"headers":["trace","t","x","y"],"#
                + #""key":"k","payload":"{\"flight\":\"UA1\",\"free\":3}"}"# + "\n"
                + #"{"topic":"seats","partition":2,"offset":8,"key":null,"payload":null}"# + "\n")
        let result = try tool.run("preview", "seats.yaml", "--input", "records", "--json")
        #expect(result.code == 0)
        #expect(
            result.out
                == #"{"stream":"seats","topic":"seats","partition":2,"offset":7,"#
                + #""decision":"delivered","reason":"","output":{"topic":"partner.seats","#
                + #""key":"k","payload":"{\"flight\":\"UA1\",\"free\":3}","headers":["trace","t"]}}"#
                + "\n"
                + #"{"stream":"seats","topic":"seats","partition":2,"offset":8,"#
                + #""decision":"filtered","reason":"tombstone","output":null}"# + "\n")
    }

    @Test("a line that kcat did not print is named, and nothing is guessed")
    func strangers() throws {
        let tool = try Tool()
        try tool.write("seats.yaml", Self.contract)
        try tool.write("records", "{\"flight\":1}\n")
        let line = try tool.run("preview", "seats.yaml", "--input", "records")
        #expect(line.code == 2)
        #expect(line.error.contains("records:1: this is no line of kcat -C -J"))
        let cluster = try tool.run("preview", "seats.yaml")
        #expect(cluster.code == 2)
        #expect(cluster.error.contains("no crossdock.yaml here"))
    }
}
