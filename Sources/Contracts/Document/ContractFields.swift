/// The allow-list of a stream, and the key.
extension ContractDocument {
    mutating func readFields(_ members: Members, _ format: Stream.Format?) -> [Field] {
        if format == .bytes {
            if members["fields"] != nil {
                findings.error(
                    members.mark(of: "fields"),
                    "'fields' cannot choose from 'format: bytes', which goes out whole; leave it"
                        + " out, or say 'format: json'")
            }
            return []
        }
        guard
            let node = format == nil
                ? members["fields"]
                : members.required(
                    "fields", "the members that may leave; no other does", &findings),
            let items = findings.list(node, "fields")
        else { return [] }
        if items.isEmpty {
            findings.warning(node.mark, "no field is named: every record leaves as {}")
        }
        let outputs = OutputTree()
        return items.compactMap { item in
            guard let (field, mark) = readField(item) else { return nil }
            if let collision = outputs.insert(field, mark) { findings.error(mark, collision) }
            return field
        }
    }

    /// The field, and where its output's name stands.
    private mutating func readField(_ node: YAMLNode) -> (Field, Mark)? {
        guard !node.isBroken else { return nil }
        if case .scalar = node.content {
            guard let path = readPath(node, "a field") else { return nil }
            return (Field(source: .path(path), output: path), node.mark)
        }
        guard
            let members = Members(
                node, "a field",
                known: ["path", "as", "constant", "type", "required", "pseudonym", "mask"],
                later: [
                    "value", "encrypt", "truncate", "round", "dateTruncate", "cast", "default",
                    "enum", "pattern", "minimum", "maximum", "maxLength",
                ], &findings)
        else { return nil }
        let output = members["as"].flatMap { readPath($0, "as") }
        if members["constant"] != nil { return readConstant(members, output) }
        // A field whose value waits for a later release has been refused by that name already.
        if members["path"] == nil, isRefused(node, "value") { return nil }
        guard let place = members.required("path", "the member that leaves", &findings) else {
            return nil
        }
        let source = readPath(place, "path")
        let type = members["type"].flatMap { findings.word($0, "type", as: JSONType.self) }
        let required = members["required"].flatMap { findings.boolean($0, "required") }
        let transform = readTransform(members, type)
        guard let source else { return nil }
        if let type, type == .object || type == .array, transform == nil {
            findings.warning(
                place.mark,
                "'\(source.text)' lets out the whole \(type.rawValue), with members added to it"
                    + " later; name the members instead")
        }
        if members["as"] == nil {
            return (field(source, source, type, required, transform), place.mark)
        }
        guard let output else { return nil }
        let mark = members["as"]?.mark ?? place.mark
        if output.arrays != source.arrays {
            findings.error(
                mark,
                "'as' repeats the '[]' of its path: '\(source.text)' has \(source.arrays),"
                    + " '\(output.text)' \(output.arrays)")
            return nil
        }
        return (field(source, output, type, required, transform), mark)
    }

    private func field(
        _ source: Path, _ output: Path, _ type: JSONType?, _ required: Bool?,
        _ transform: Transform?
    ) -> Field {
        Field(
            source: .path(source), output: output, type: type,
            required: required ?? false, transform: transform)
    }

    private mutating func readConstant(
        _ members: Members, _ output: Path?
    ) -> (Field, Mark)? {
        for key in ["path", "type", "required", "pseudonym", "mask"] where members[key] != nil {
            findings.error(
                members.mark(of: key), "'\(key)' cannot stand beside 'constant'; one or the other")
        }
        guard
            let place = members.required("as", "where the constant stands in the output", &findings)
        else { return nil }
        var json: String?
        if let node = members["constant"], !node.isBroken {
            do throws(YAMLJSON.Mistake) {
                json = try YAMLJSON.text(node)
            } catch {
                findings.error(error.mark, error.message)
            }
        }
        guard let output, let json else { return nil }
        guard output.arrays == 0 else {
            findings.error(place.mark, "a constant has no elements; leave the '[]' out")
            return nil
        }
        return (Field(source: .constant(json), output: output), place.mark)
    }

    private func isRefused(_ node: YAMLNode, _ key: String) -> Bool {
        guard case .mapping(let members) = node.content else { return false }
        return members.contains { $0.key == key }
    }

    mutating func readPath(_ node: YAMLNode, _ what: String) -> Path? {
        guard let text = findings.string(node, what) else { return nil }
        do throws(Path.Mistake) {
            return try Path(text: text)
        } catch {
            findings.error(
                yaml.source.mark(of: error.offset, in: node), "bad path: \(error.message)")
            return nil
        }
    }
}

// MARK: - Transforms

extension ContractDocument {
    private mutating func readTransform(_ members: Members, _ type: JSONType?) -> Transform? {
        if members["pseudonym"] != nil, members["mask"] != nil {
            findings.error(
                members.mark(of: "mask"), "'pseudonym' and 'mask': a field takes one of them")
        }
        if let node = members["pseudonym"] {
            refuse(type, [.object, .array], "pseudonym", "a string, number or boolean", members)
            return readPseudonym(node).map { .pseudonym($0) }
        }
        guard let node = members["mask"] else { return nil }
        refuse(
            type, [.object, .array, .integer, .number, .boolean], "mask", "a string", members)
        return readMask(node).map { .mask($0) }
    }

    private mutating func refuse(
        _ type: JSONType?, _ refused: Set<JSONType>, _ transform: String, _ takes: String,
        _ members: Members
    ) {
        guard let type, refused.contains(type) else { return }
        findings.error(
            members.mark(of: transform),
            "'\(transform)' takes \(takes); with 'type: \(type.rawValue)' no record could pass")
    }

    private mutating func readPseudonym(_ node: YAMLNode) -> Pseudonym? {
        guard
            let members = Members(node, "pseudonym", known: ["key", "length"], &findings),
            let name = members.required("key", "a name under 'keys' in crossdock.yaml", &findings)
        else { return nil }
        let length = members["length"].flatMap { findings.integer($0, "length", in: 16...64) }
        guard
            let key = known(name, "key", among: configuration.map { Array($0.keys.keys) })
        else { return nil }
        return Pseudonym(key: key, length: length ?? 32)
    }

    private mutating func readMask(_ node: YAMLNode) -> Mask? {
        guard
            let members = Members(
                node, "mask", known: ["keepFirst", "keepLast", "with"], &findings)
        else { return nil }
        var mask = Mask()
        if let value = members["keepFirst"] {
            mask.keepFirst = findings.integer(value, "keepFirst", in: 0...1000) ?? 0
        }
        if let value = members["keepLast"] {
            mask.keepLast = findings.integer(value, "keepLast", in: 0...1000) ?? 0
        }
        if let value = members["with"], let text = findings.string(value, "with") {
            if text.count == 1 {
                mask.with = text
            } else {
                findings.error(value.mark, "'with' is one character")
            }
        }
        return mask
    }

    mutating func readKey(
        _ members: Members, format: Stream.Format?, forwardsTombstones: Bool
    ) -> Stream.KeyRule? {
        let meaning = "keep | drop | { path: … } | { pseudonym: { key: … } }"
        guard let node = members.required("key", meaning, &findings), !node.isBroken else {
            return nil
        }
        guard case .mapping = node.content else {
            enum Word: String, CaseIterable { case keep, drop }
            switch findings.word(node, "key", as: Word.self) {
            case .keep: return .keep
            case .drop: return .drop
            case nil: return nil
            }
        }
        guard
            let inner = Members(
                node, "key", known: ["path", "pseudonym", "mask"],
                later: ["encrypt", "truncate", "round", "dateTruncate", "cast"], &findings)
        else { return nil }
        let transform = readTransform(inner, nil)
        guard let place = inner["path"] else {
            if case .pseudonym(let pseudonym) = transform { return .pseudonym(pseudonym) }
            if inner["pseudonym"] == nil {
                findings.missing("path", node.mark, "missing 'path' in key: \(meaning)")
            }
            return nil
        }
        let path = readPath(place, "path")
        if format == .bytes {
            findings.error(place.mark, "a key from a path needs 'format: json'")
        }
        if forwardsTombstones, let tombstones = members["tombstones"] {
            findings.error(
                tombstones.mark,
                "a tombstone has no value to take the key from; 'key: { path }' needs"
                    + " 'tombstones: drop'")
        }
        guard let path else { return nil }
        if path.arrays > 0 {
            findings.error(place.mark, "a key is one value; '\(path.text)' is every element")
            return nil
        }
        return .path(path, transform)
    }
}
