internal import Ledger

/// The report as text. Where the terminal is too narrow for a line a partition: contract and stream
/// become headings, DROPPED and QUARANTINED one REFUSED column, long headers two lines. A figure is
/// never cut.
package struct LagTable {
    private let report: LagReport
    private let width: Int
    private let paint: (String, LagStatus) -> String

    /// - Parameter paint: colours a status; gives back what it is given where colour is not wanted.
    package init(
        _ report: LagReport, width: Int,
        paint: @escaping (String, LagStatus) -> String = { text, _ in text }
    ) {
        self.report = report
        self.width = width
        self.paint = paint
    }

    package var lines: [String] {
        if report.contracts.isEmpty { return ["no contract has been started yet"] }
        let grids = [
            wideGrid(reasons: true), wideGrid(reasons: false), narrowGrid(split: false),
        ]
        let grid =
            grids.first { $0.width(gap: 2) <= width }?.lines(gap: 2)
            ?? narrowGrid(split: true).lines(fitting: width)
        return grid + remarks
    }

    private var remarks: [String] {
        var lines: [String] = []
        for contract in report.contracts where !contract.remarks.isEmpty {
            lines.append("")
            for paragraph in contract.remarks {
                let indent = paragraph.hasPrefix("  ") ? 2 : 0
                lines += Wording.wrapped(
                    paragraph, width: width, indent: indent, hanging: indent + 2)
            }
        }
        if !report.isServiceRunning, report.contracts.contains(where: { $0.status >= .stop }) {
            lines += ["", "The service is not running; next: crossdock start"]
        }
        return lines
    }

    // MARK: One line a partition

    /// - Parameter reasons: whether a halt's word stands in the line; it stands beneath in any case.
    private func wideGrid(reasons: Bool) -> Grid {
        var grid = Grid(
            header: [
                [
                    "CONTRACT", "STREAM", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG",
                    "TIME-LAG", "DELIVERED", "FILTERED", "DROPPED", "QUARANTINED", "STATUS",
                ]
            ], left: [0, 1, 11])
        for contract in report.contracts {
            for row in contract.partitions {
                let figures = Figures(row)
                grid.rows.append(
                    .cells(
                        [contract.id, row.stream, "\(row.partition)"] + figures.offsets
                            + figures.all + [status(row.status, reasons ? row.reason : nil)]))
            }
            if contract.needsSum {
                let figures = Figures(contract)
                grid.rows.append(
                    .cells(
                        [contract.id, "(all)", "-"] + figures.offsets + figures.all
                            + [status(contract.status, reasons ? contract.sharedReason : nil)]))
            }
        }
        return grid
    }

    private func status(_ status: LagStatus, _ reason: String?) -> String {
        // Sentences stand beneath; a halt's word stands here.
        let word = reason.map { $0.contains(" ") ? "" : " \($0)" } ?? ""
        return paint(status.rawValue, status) + word
    }

    // MARK: Contract and stream as headings

    private func narrowGrid(split: Bool) -> Grid {
        let header =
            split
            ? [
                ["", "CURRENT-", "LOG-END-", "", "TIME-", "", "", "", ""],
                [
                    "PARTITION", "OFFSET", "OFFSET", "LAG", "LAG", "DELIVERED", "FILTERED",
                    "REFUSED", "STATUS",
                ],
            ]
            : [
                [
                    "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "TIME-LAG",
                    "DELIVERED", "FILTERED", "REFUSED", "STATUS",
                ]
            ]
        var grid = Grid(header: header, left: [8])
        for contract in report.contracts {
            var heading: String?
            for row in contract.partitions {
                let text = "\(contract.id)  \(row.stream)"
                if text != heading { grid.rows.append(.heading(text)) }
                heading = text
                let figures = Figures(row)
                grid.rows.append(
                    .cells(
                        ["\(row.partition)"] + figures.offsets + figures.folded
                            + [paint(row.status.rawValue, row.status)]))
            }
            guard contract.needsSum else { continue }
            if contract.streamCount != 1 { grid.rows.append(.heading(contract.id)) }
            let figures = Figures(contract)
            grid.rows.append(
                .cells(
                    ["(all)"] + figures.offsets + figures.folded
                        + [paint(contract.status.rawValue, contract.status)]))
        }
        return grid
    }
}

extension ContractLag {
    /// One partition is its own sum.
    fileprivate var needsSum: Bool { partitions.count != 1 }
    fileprivate var streamCount: Int { Set(partitions.map(\.stream)).count }
    /// Of those rows that made the status.
    fileprivate var sharedReason: String? {
        let reasons = Set(partitions.filter { $0.status == status }.map(\.reason))
        return reasons.count == 1 ? reasons.first ?? nil : nil
    }
}

/// A row's figures as text, `-` where unknown.
private struct Figures {
    var offsets: [String]
    var all: [String]
    var folded: [String]

    init(_ row: PartitionLag) {
        self.init(row.currentOffset, row.logEndOffset, row.lag, row.timeLagSeconds, row.counts)
    }

    init(_ contract: ContractLag) {
        func sum(_ path: KeyPath<PartitionLag, Int64?>) -> Int64? {
            let values = contract.partitions.compactMap { $0[keyPath: path] }
            return values.count == contract.partitions.count && !values.isEmpty
                ? values.reduce(0, +) : nil
        }
        self.init(
            sum(\.currentOffset), sum(\.logEndOffset), contract.lag, contract.timeLagSeconds,
            contract.counts)
    }

    private init(
        _ current: Int64?, _ end: Int64?, _ lag: Int64?, _ seconds: Double?, _ counts: Counts
    ) {
        func text(_ number: Int64?) -> String { number.map { "\($0)" } ?? "-" }
        offsets = [text(current), text(end), text(lag), seconds.map(Wording.span) ?? "-"]
        all = [counts.delivered, counts.filtered, counts.dropped, counts.quarantined].map {
            "\($0)"
        }
        folded = [counts.delivered, counts.filtered, counts.dropped + counts.quarantined].map {
            "\($0)"
        }
    }
}

/// Columns as wide as their widest cell, figures to the right.
private struct Grid {
    enum Row {
        case cells([String])
        /// Over the whole width.
        case heading(String)
    }

    var header: [[String]]
    /// Columns whose text stands to the left.
    var left: Set<Int>
    var rows: [Row] = []

    private var cells: [[String]] {
        header
            + rows.compactMap {
                if case .cells(let cells) = $0 { cells } else { nil }
            }
    }

    private var widths: [Int] {
        (0..<(header.first?.count ?? 0)).map { column in
            cells.map { visible($0[column]) }.max() ?? 0
        }
    }

    func width(gap: Int) -> Int { widths.reduce(0, +) + gap * (widths.count - 1) }

    func lines(fitting limit: Int) -> [String] { lines(gap: width(gap: 2) <= limit ? 2 : 1) }

    func lines(gap: Int) -> [String] {
        let widths = widths
        func line(_ cells: [String]) -> String {
            var text = ""
            for (column, cell) in cells.enumerated() {
                let space = String(repeating: " ", count: widths[column] - visible(cell))
                text += column == 0 ? "" : String(repeating: " ", count: gap)
                text += left.contains(column) ? cell + space : space + cell
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        return header.map(line)
            + rows.map { row in
                switch row {
                case .cells(let cells): line(cells)
                case .heading(let text): text
                }
            }
    }

    /// Columns that a text takes on a terminal: colours take none.
    private func visible(_ text: String) -> Int {
        var count = 0
        var isEscape = false
        for character in text {
            if character == "\u{1B}" {
                isEscape = true
            } else if isEscape {
                isEscape = character != "m"
            } else {
                count += 1
            }
        }
        return count
    }
}
