internal import CRdKafka
internal import Glibc

/// The client properties that the linked librdkafka knows, as it lists them itself
/// (`rd_kafka_conf_properties_show`): name and whether consumers, producers or both take it.
struct KnownProperties: Sendable {
    enum Scope: Sendable {
        case consumer, producer, both

        func covers(_ role: ClientRole) -> Bool {
            switch self {
            case .both: true
            case .consumer: role == .consumer
            case .producer: role == .producer
            }
        }
    }

    var scopes: [String: Scope]

    static let linked = KnownProperties(listing: propertyListing())

    /// Rows look like `name | C/P | range | default | importance | description`; a name that stands
    /// in the global and the topic table is taken from where it reaches further.
    init(listing: String) {
        scopes = [:]
        for line in listing.split(separator: "\n") {
            let columns = line.split(separator: "|", omittingEmptySubsequences: false)
            guard columns.count > 2 else { continue }
            let name = columns[0].filter { $0 != " " }
            let scope: Scope? =
                switch columns[1].filter({ $0 != " " }) {
                case "C": .consumer
                case "P": .producer
                case "*": .both
                default: nil
                }
            guard let scope, !name.isEmpty else { continue }
            scopes[name] = scopes[name].map { $0 == .both ? .both : scope } ?? scope
        }
    }

    private static func propertyListing() -> String {
        var text: UnsafeMutablePointer<CChar>?
        var size = 0
        guard let file = open_memstream(&text, &size) else { return "" }
        rd_kafka_conf_properties_show(file)
        fclose(file)
        defer { free(text) }
        return text.map { String(cString: $0) } ?? ""
    }
}

enum ClientRole: Sendable {
    case consumer, producer
}
