/// crossdock.yaml: the operator's file. Holds names of secrets, never secrets.
package struct Configuration: Sendable, Hashable {
    /// The file it was read from, as given.
    package var file: String
    /// Where the file stands; every path in it is relative to this.
    package var directory: String
    /// Made absolute, or relative to the working directory as `directory` is.
    package var stateDirectory: String
    /// Files, or patterns with `*` and `?`, made relative to the working directory as `directory` is.
    package var contracts: [String]
    package var clusters: [String: Cluster]
    /// Keys of pseudonyms, by name.
    package var keys: [String: SecretReference]
    package var checkpoints: Checkpoints
    /// Bytes.
    package var quarantineMaxBytes: Int
    /// How long a refused record is kept, nil = for ever.
    package var quarantineKeepFor: Duration?
    /// How long the ledger can tell each batch apart.
    package var keepDetail: Duration
    /// Lanes a contract, 1 to 64; fixed once a contract has started.
    package var lanes: Int
    /// Where each secret reference stands in the file.
    package var places: [SecretReference: Mark]

    package init(
        file: String, directory: String, stateDirectory: String, contracts: [String],
        clusters: [String: Cluster], keys: [String: SecretReference], checkpoints: Checkpoints,
        quarantineMaxBytes: Int = 1 << 30, quarantineKeepFor: Duration? = nil,
        keepDetail: Duration = .seconds(7 * 86_400), lanes: Int = 2,
        places: [SecretReference: Mark] = [:]
    ) {
        self.file = file
        self.directory = directory
        self.stateDirectory = stateDirectory
        self.contracts = contracts
        self.clusters = clusters
        self.keys = keys
        self.checkpoints = checkpoints
        self.quarantineMaxBytes = quarantineMaxBytes
        self.quarantineKeepFor = quarantineKeepFor
        self.keepDetail = keepDetail
        self.lanes = lanes
        self.places = places
    }
}

/// The topic in each partner's cluster that carries the markers, and the key that seals them.
package struct Checkpoints: Sendable, Hashable {
    package var topic: String
    /// Exactly 32 bytes.
    package var key: SecretReference
    package init(topic: String, key: SecretReference) {
        self.topic = topic
        self.key = key
    }
}

/// One cluster: Kafka client keys verbatim, in the file's order.
package struct Cluster: Sendable, Hashable {
    package struct Setting: Sendable, Hashable {
        package var key: String
        package var value: SecretText
        /// Where the key stands in crossdock.yaml.
        package var keyMark: Mark
        package var valueMark: Mark
        package init(key: String, value: SecretText, keyMark: Mark, valueMark: Mark) {
            self.key = key
            self.value = value
            self.keyMark = keyMark
            self.valueMark = valueMark
        }
    }

    package var name: String
    package var settings: [Setting]
    package init(name: String, settings: [Setting]) {
        self.name = name
        self.settings = settings
    }
}

/// Where a secret is to be found.
package enum SecretReference: Sendable, Hashable {
    /// `${env:NAME}`
    case environment(String)
    /// `${file:PATH}`, the path made relative to the working directory as the file it stands in.
    case file(String)

    /// As it is written, for messages.
    package var text: String {
        switch self {
        case .environment(let name): "${env:\(name)}"
        case .file(let path): "${file:\(path)}"
        }
    }
}

/// A value that may hold secret references between plain text.
package struct SecretText: Sendable, Hashable {
    package enum Part: Sendable, Hashable {
        case plain(String)
        case secret(SecretReference)
    }
    package var parts: [Part]
    package init(parts: [Part]) { self.parts = parts }

    /// The text, where it holds no reference.
    package var plain: String? {
        var text = ""
        for part in parts {
            guard case .plain(let piece) = part else { return nil }
            text += piece
        }
        return text
    }
}
