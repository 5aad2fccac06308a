internal import Foundation
internal import Lab

/// What `crossdock lag --json` says, asked of the binary itself.
struct DemoReport {
    private struct Document: Decodable {
        var contracts: [Contract]
    }
    private struct Contract: Decodable {
        var lag: Int
        var partitions: [Partition]
    }
    private struct Partition: Decodable {
        var read, delivered, filtered, dropped, quarantined, gaps: Int
    }

    let lag: Int
    let read, delivered, filtered, dropped, quarantined, gaps: Int

    init(_ directory: DemoDirectory) throws(LabFailure) {
        let child = try ChildProcess(
            "/proc/self/exe", ["lag", "--json", "--config", directory.config],
            directory: directory.path, log: directory.file("lag.json"))
        guard child.wait(.seconds(20)) != nil else {
            child.end()
            throw LabFailure("crossdock lag did not answer within 20 s")
        }
        guard let bytes = try? Files.read(directory.file("lag.json")),
            let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)),
            let contract = document.contracts.first
        else { throw LabFailure("crossdock lag: \(directory.tail(of: "lag.json"))") }
        func sum(_ figure: (Partition) -> Int) -> Int {
            contract.partitions.reduce(0) { $0 + figure($1) }
        }
        lag = contract.lag
        read = sum(\.read)
        delivered = sum(\.delivered)
        filtered = sum(\.filtered)
        dropped = sum(\.dropped)
        quarantined = sum(\.quarantined)
        gaps = sum(\.gaps)
    }

    var balances: Bool { read == delivered + filtered + dropped + quarantined + gaps && lag == 0 }

    var identity: String {
        func text(_ number: Int) -> String { DemoScreen.grouped(number) }
        return "\(text(read)) read = \(text(delivered)) delivered + \(text(filtered)) filtered"
            + " + \(text(dropped)) dropped + \(text(quarantined)) quarantined + \(text(gaps)) gaps"
    }
}
