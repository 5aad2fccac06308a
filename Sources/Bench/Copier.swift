import Foundation
import Lab

/// Something that copies the source topic to the partner, as a command that can be run again and again.
struct Copier {
    enum Work {
        case crossdock(CrossdockDirectory.Kind, lanes: Int)
        case loop(preloading: String?)
        case goCopy(words: [String])
        case mirrorMaker
    }

    let name: String
    let work: Work
    /// Whether it applies the contract, and so delivers what passes only.
    let appliesContract: Bool
    /// The copier that its ratio is to.
    let peer: String?

    /// Everything that can be measured here, ours first. `goCopy`: path of that peer, nil = there is none.
    static func all(goCopy: String?) -> [Copier] {
        func plain(_ name: String, _ work: Work, peer: String? = nil) -> Copier {
            Copier(name: name, work: work, appliesContract: false, peer: peer)
        }
        func contract(_ name: String, _ work: Work, peer: String?) -> Copier {
            Copier(name: name, work: work, appliesContract: true, peer: peer)
        }
        let plainPeer = goCopy == nil ? "c-loop-jemalloc" : "gocopy"
        let contractPeer = goCopy == nil ? "c-loop-jemalloc" : "gocopy-sonic"
        var copiers = (1...3).map {
            plain("plain-\($0)", .crossdock(.plain, lanes: $0), peer: plainPeer)
        }
        copiers += (1...3).map {
            contract("contract-\($0)", .crossdock(.contract, lanes: $0), peer: contractPeer)
        }
        copiers.append(plain("c-loop", .loop(preloading: nil)))
        copiers.append(plain("c-loop-jemalloc", .loop(preloading: "libjemalloc.so.2")))
        if goCopy != nil {
            copiers.append(plain("gocopy", .goCopy(words: [])))
            copiers.append(contract("gocopy-sonic", .goCopy(words: ["sonic"]), peer: nil))
        }
        copiers.append(plain("mirrormaker", .mirrorMaker))
        return copiers
    }
}

/// Configuration, contract and state of one run of the service, in a folder of its own.
struct CrossdockDirectory {
    enum Kind { case plain, contract }

    let path: String

    init(
        _ kind: Kind, lanes: Int, records: Int, source: String, partner: String, topic: String,
        in parent: String
    ) throws {
        path = "\(parent)/\(topic)"
        for folder in ["contracts", "secrets", "state"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        try write("secrets/tail.key", "0123456789abcdef")
        try write("secrets/checkpoints.key", "0123456789abcdef0123456789abcdef")
        try write(
            "crossdock.yaml",
            """
            stateDirectory: ./state
            contracts: [contracts/*.yaml]
            clusters:
              internal: { bootstrap.servers: "\(source)" }
              partner: { bootstrap.servers: "\(partner)" }
            keys:
              tail: ${file:./secrets/tail.key}
            checkpoints:
              topic: \(topic).checkpoints
              key: ${file:./secrets/checkpoints.key}
            lanes: \(lanes)

            """)
        try write(
            "contracts/bench.yaml",
            """
            apiVersion: crossdock/v1
            kind: ReplicationContract
            id: \(topic)
            version: 1.0.0
            status: active
            partner: { name: Bench, contact: bench@example.com }
            source: { cluster: internal }
            target: { cluster: partner }
            streams:
              - from: \(CopyBench.source)
                to: \(topic)
                start: earliest
                key: keep
                partition: keep
            \(kind == .plain ? Self.plain : Self.contract)
            delivery:
              maxRecords: \(records)
              maxInterval: 1s

            """)
    }

    private static let plain = """
            format: bytes
            headers: [source, trace, x-internal]
        """

    /// What `flightsDecider` decides by.
    private static let contract = """
            format: json
            filter: value.dep_delay != null && value.dep_delay > 0 && value.origin != 'LGA'
            fields:
              - year
              - month
              - day
              - carrier
              - origin
              - dest
              - dep_delay
              - { path: sched_dep_time, as: schedule.departure }
              - { path: tailnum, as: tail, pseudonym: { key: tail } }
              - { path: flight, pseudonym: { key: tail } }
            headers: [trace]
        """

    private func write(_ name: String, _ text: String) throws {
        let made = FileManager.default.createFile(
            atPath: "\(path)/\(name)", contents: Data(text.utf8),
            attributes: [.posixPermissions: 0o600])
        guard made else { throw BenchFailure("\(path)/\(name) cannot be written") }
    }
}
