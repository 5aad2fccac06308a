import Foundation

let usage = """
    Bench decide [--records N] [--rounds N]
        Times StreamDecider.decide alone: nanoseconds a record, GB/s, and the ratio to simdjson's DOM
        parse of the same records where Sources/Bench/peers/build has made that peer.
    Bench allocations [--records N]
        Fails where deciding a record allocates.
    Bench copy --crossdock BINARY [--gocopy BINARY] [--records N] [--rounds N] [--partitions N]
          [--transaction N] [--only NAME,…]
        Copies flights between two real brokers (KAFKA_HOME) with everything there is, in turn,
        and checks that every copy is complete.

    """

func fail(_ code: Int32, _ text: String) -> Never {
    FileHandle.standardError.write(Data("Bench: \(text)\n".utf8))
    exit(code)
}

/// Children run in folders of their own.
func absolute(_ path: String) -> String { URL(fileURLWithPath: path).path }

do {
    var words = Words(CommandLine.arguments.dropFirst())
    switch words.first() {
    case "decide":
        let records = try words.number("--records") ?? 50_000
        let rounds = try words.number("--rounds") ?? 20
        try words.end()
        try DecideBench(records: records, rounds: rounds).run()
    case "allocations":
        let records = try words.number("--records") ?? 20_000
        try words.end()
        try Allocations.check(records)
    case "copy":
        guard let crossdock = try words.value("--crossdock") else {
            throw Words.Mistake(text: "copy wants --crossdock BINARY")
        }
        let options = CopyBench.Options(
            crossdock: absolute(crossdock), goCopy: try words.value("--gocopy").map(absolute),
            records: try words.number("--records") ?? 1_000_000,
            rounds: try words.number("--rounds") ?? 3,
            partitions: try words.number("--partitions") ?? 6,
            transaction: try words.number("--transaction") ?? 20_000,
            only: try words.value("--only")?.split(separator: ","))
        try words.end()
        try CopyBench(options).run()
    default: fail(64, "which measurement?\n\(usage)")
    }
} catch let mistake as Words.Mistake {
    fail(64, "\(mistake.text)\n\(usage)")
} catch {
    fail(1, "\(error)")
}
