import Foundation

/// The medians of all rounds, a line a copier.
struct CopyTable {
    private let copiers: [Copier]
    private let medians: [String: Measured]
    private let bytesPerRecord: Double

    init(_ copiers: [Copier], _ results: [String: [Measured]], bytesPerRecord: Double) {
        self.copiers = copiers
        self.bytesPerRecord = bytesPerRecord
        medians = results.mapValues { runs in
            func median(_ value: (Measured) -> Double) -> Double {
                let sorted = runs.map(value).sorted()
                return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            }
            return Measured(
                recordsPerSecond: median(\.recordsPerSecond), cpuPerRecord: median(\.cpuPerRecord),
                peakMegabytes: median(\.peakMegabytes), startup: median(\.startup))
        }
    }

    /// Markdown.
    var text: String {
        var lines = [
            "| copier | records/s | MB/s | CPU µs/record | peak RSS MB | peer | rate to peer | CPU to peer |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for copier in copiers {
            guard let own = medians[copier.name] else { continue }
            var cells = [
                copier.name, String(format: "%.0f", own.recordsPerSecond),
                String(format: "%.1f", own.recordsPerSecond * bytesPerRecord / 1e6),
                String(format: "%.2f", own.cpuPerRecord),
                String(format: "%.0f", own.peakMegabytes),
            ]
            if let name = copier.peer, let peer = medians[name] {
                cells += [
                    name, String(format: "%.2f", own.recordsPerSecond / peer.recordsPerSecond),
                    String(format: "%.2f", own.cpuPerRecord / peer.cpuPerRecord),
                ]
            } else {
                cells += ["", "", ""]
            }
            lines.append("| \(cells.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n")
    }
}
