internal import CFlights

/// Real flights that left New York in 2013, compiled into the binary.
package struct Flights: Sendable {
    package let columns: [Substring]
    /// Cells by column, as they were written; an empty one is a null.
    package let rows: [[Substring]]

    private static let texts: Set<Substring> = [
        "carrier", "tailnum", "origin", "dest", "time_hour",
    ]

    package init() {
        var length = 0
        let start = crossdock_flights(&length)
        let table = UnsafeBufferPointer(start: start, count: length)
        let lines = String(decoding: table, as: UTF8.self).split(separator: "\n")
        columns = lines.first?.split(separator: ",") ?? []
        rows = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }

    /// A cell as the text of a JSON value.
    package func json(_ row: Int, _ column: Substring) -> String {
        guard let cell = cell(row, column), !cell.isEmpty else { return "null" }
        return Self.texts.contains(column) ? "\"\(cell)\"" : String(cell)
    }

    package func cell(_ row: Int, _ column: Substring) -> Substring? {
        columns.firstIndex(of: column).map { rows[row][$0] }
    }

    /// The whole row as a JSON object, members in the table's order.
    package func json(_ row: Int) -> String {
        "{" + columns.map { "\"\($0)\":\(json(row, $0))" }.joined(separator: ",") + "}"
    }

    /// Carrier and flight number: the same flight of another day has the same key.
    package func key(_ row: Int) -> String {
        "\(cell(row, "carrier") ?? "")\(cell(row, "flight") ?? "")"
    }
}
