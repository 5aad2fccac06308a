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
                known: ["path", "as", "constant", "value", "type", "required", "default"]
                    + Self.transforms + Self.checks, &findings)
        else { return nil }
        let output = members["as"].flatMap { readPath($0, "as") }
        if members["constant"] != nil || members["value"] != nil {
            return readMade(members, output)
        }
        guard let place = members.required("path", "the member that leaves", &findings) else {
            return nil
        }
        let source = readPath(place, "path")
        let type = members["type"].flatMap { findings.word($0, "type", as: JSONType.self) }
        let required = members["required"].flatMap { findings.boolean($0, "required") }
        let made = Field(
            source: .path(Path(steps: [])), output: Path(steps: []), type: type,
            checks: readChecks(members, type), required: required ?? false,
            fallback: readDefault(members, required), transform: readTransform(members, type))
        guard let source else { return nil }
        if let type, type == .object || type == .array, made.transform == nil {
            findings.warning(
                place.mark,
                "'\(source.text)' lets out the whole \(type.rawValue), with members added to it"
                    + " later; name the members instead")
        }
        var field = made
        field.source = .path(source)
        field.output = source
        if members["as"] == nil { return (field, place.mark) }
        guard let output else { return nil }
        field.output = output
        let mark = members["as"]?.mark ?? place.mark
        if output.arrays != source.arrays {
            findings.error(
                mark,
                "'as' repeats the '[]' of its path: '\(source.text)' has \(source.arrays),"
                    + " '\(output.text)' \(output.arrays)")
            return nil
        }
        return (field, mark)
    }

    /// A field that no member of the record stands for: a constant, or a computed one.
    private mutating func readMade(_ members: Members, _ output: Path?) -> (Field, Mark)? {
        let word = members["constant"] != nil ? "constant" : "value"
        let others =
            ["path", "value", "type", "required", "default"] + Self.transforms + Self.checks
        for key in others where key != word && members[key] != nil {
            findings.error(
                members.mark(of: key), "'\(key)' cannot stand beside '\(word)'; one or the other")
        }
        guard
            let place = members.required(
                "as", "where the \(word) stands in the output", &findings)
        else { return nil }
        let source =
            word == "constant"
            ? members["constant"].flatMap { readJSON($0) }.map(Field.Source.constant)
            : members["value"].flatMap { readExpression($0, "value", .value, .json) }
                .map(Field.Source.value)
        guard let output, let source else { return nil }
        guard output.arrays == 0 else {
            findings.error(place.mark, "a \(word) has no elements; leave the '[]' out")
            return nil
        }
        return (Field(source: source, output: output), place.mark)
    }

    /// A YAML value as JSON text.
    mutating func readJSON(_ node: YAMLNode) -> String? {
        guard !node.isBroken else { return nil }
        do throws(YAMLJSON.Mistake) {
            return try YAMLJSON.text(node)
        } catch {
            findings.error(error.mark, error.message)
            return nil
        }
    }

    private mutating func readDefault(_ members: Members, _ required: Bool?) -> String? {
        guard let node = members["default"] else { return nil }
        if required == true {
            findings.error(
                members.mark(of: "default"),
                "'default' stands in for what 'required' refuses; one or the other")
        }
        return readJSON(node)
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
                node, "key", known: ["path"] + Self.transforms, &findings)
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
