import Contracts
import Foundation

// Times `StreamDecider.decide` alone, without Kafka: `zcat flights.ndjson.gz | .build/release/Bench [rounds] [plain]`.
// Prints nanoseconds a record under the contract of the design notes, for the records that pass and
// those that do not, and for the same records with their members shuffled.

let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 5 : 5
let input = FileHandle.standardInput.readDataToEndOfFile()
guard !input.isEmpty else {
    FileHandle.standardError.write(Data("Bench: one JSON record a line on standard input\n".utf8))
    exit(64)
}

do {
    let records = Records(lines: input)
    let plainOnly = CommandLine.arguments.contains("plain")
    var sets = [("as they are", records)]
    if !plainOnly { sets.append(("members shuffled", Records(lines: try shuffle(input)))) }
    for (name, set) in sets {
        let decider = try flightsDecider()
        var passing: [Int] = []
        var filtered: [Int] = []
        for index in 0..<set.count {
            if set.decide(index, decider) == .delivered {
                passing.append(index)
            } else {
                filtered.append(index)
            }
        }
        let share = 100 * passing.count / max(set.count, 1)
        print(
            "\(name): \(set.count) records of \(set.bytes / max(set.count, 1)) B, \(share) % pass")
        set.time("  all", Array(0..<set.count), decider, rounds)
        set.time("  filtered", filtered, decider, rounds)
        set.time("  passing", passing, decider, rounds)
    }
} catch {
    FileHandle.standardError.write(Data("Bench: \(error)\n".utf8))
    exit(1)
}
