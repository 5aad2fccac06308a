internal import CYAML

/// libyaml's events, one document, composed into a tree. Refused with a diagnostic each: duplicate
/// keys, anchors, aliases, merges, tags, keys that are not words, a second document, depth beyond
/// `maxDepth`.
struct YAMLParser: ~Copyable {
    static let maxDepth = 64

    /// The file is not YAML from here on.
    struct Fault: Error {
        var mark: Mark
        var message: String
        /// The line that is at fault, for reading on without it.
        var brokenLine: Int
        /// The column from which that line is at fault, 1 = all of it.
        var brokenColumn: Int
        /// Reading on makes no sense.
        var isFinal = false
        /// The fault is that line's own, whatever was left out before it.
        var isOwn = false
    }

    let parser: UnsafeMutablePointer<yaml_parser_t>
    let source: SourceText
    private(set) var findings: Findings
    private var depth = 0

    /// `bytes` is UTF-8 without a byte order mark and must outlive the parser.
    init(_ bytes: UnsafeBufferPointer<UInt8>, source: SourceText, findings: Findings) {
        parser = .allocate(capacity: 1)
        self.source = source
        self.findings = findings
        _ = yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The first document's root, nil where the file is empty.
    mutating func document() throws(Fault) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.kind {
            case .streamStart, .documentEnd:
                continue
            case .documentStart(let directive):
                if root != nil {
                    findings.error(
                        event.mark, "a second document; a file holds one, without '---' between")
                    return root
                }
                if let directive { findings.error(event.mark, directive) }
            case .streamEnd:
                return root
            default:
                root = try node(event)
            }
        }
    }

    private mutating func node(_ event: Event) throws(Fault) -> YAMLNode {
        switch event.kind {
        case .alias(let name):
            findings.error(
                event.mark, "'*\(name)' is an alias; write the value out, once for each place")
            return YAMLNode(content: .broken, mark: event.mark)
        case .scalar("", .plain) where isLeftOut(event.mark):
            return YAMLNode(content: .broken, mark: event.mark)
        case .scalar(let text, let style):
            return YAMLNode(content: .scalar(text, style), mark: event.mark)
        case .sequenceStart(let isFlow):
            try enter(event.mark)
            defer { depth -= 1 }
            var items: [YAMLNode] = []
            while true {
                let item = try next()
                if case .sequenceEnd = item.kind {
                    let mark = isFlow ? span(event.mark, to: item.mark) : event.mark
                    return YAMLNode(content: .sequence(items), mark: mark)
                }
                items.append(try node(item))
            }
        case .mappingStart(let isFlow):
            try enter(event.mark)
            defer { depth -= 1 }
            let (members, end) = try members()
            let mark = isFlow ? span(event.mark, to: end) : event.mark
            return YAMLNode(content: .mapping(members), mark: mark)
        default:
            return YAMLNode(content: .broken, mark: event.mark)
        }
    }

    /// Whether what is not there stood on a line that was left out.
    private func isLeftOut(_ mark: Mark) -> Bool {
        findings.leftOut[mark.line] != nil || findings.leftOut[mark.line + 1] != nil
    }

    /// From its opening to its closing bracket, where that stands on the same line.
    private func span(_ start: Mark, to end: Mark) -> Mark {
        guard end.line == start.line else { return start }
        return Mark(
            line: start.line, column: start.column,
            length: end.column + end.length - start.column)
    }

    /// The members, and where the mapping ends.
    private mutating func members() throws(Fault) -> ([YAMLNode.Member], Mark) {
        var members: [YAMLNode.Member] = []
        var seen: [String: Int] = [:]
        while true {
            let event = try next()
            if case .mappingEnd = event.kind { return (members, event.mark) }
            let key = try node(event)
            let value = try node(try next())
            guard case .scalar(let name, let style) = key.content else {
                if !key.isBroken { findings.error(key.mark, "a key is a word, not \(key.kind)") }
                continue
            }
            if name == "<<", style == .plain {
                findings.error(key.mark, "'<<' merges are not read; write the keys out")
            } else if let line = seen[name] {
                findings.error(
                    key.mark, "duplicate key '\(name)'; it stands on line \(line) already")
            } else {
                seen[name] = key.mark.line
                members.append(YAMLNode.Member(key: name, keyMark: key.mark, value: value))
            }
        }
    }

    private mutating func enter(_ mark: Mark) throws(Fault) {
        depth += 1
        guard depth <= YAMLParser.maxDepth else {
            throw Fault(
                mark: mark, message: "nested more than \(YAMLParser.maxDepth) levels deep",
                brokenLine: mark.line, brokenColumn: 1, isFinal: true)
        }
    }
}

// MARK: - Events

extension YAMLParser {
    private struct Event {
        enum Kind {
            case streamStart, streamEnd, documentEnd, sequenceEnd, mappingEnd
            /// Whether in brackets.
            case sequenceStart(Bool), mappingStart(Bool)
            /// With what is wrong about its directives.
            case documentStart(String?)
            case alias(String)
            case scalar(String, YAMLNode.Style)
        }
        var kind: Kind
        var mark: Mark
    }

    private mutating func next() throws(Fault) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { yaml_event_delete(&event) }
        let mark = mark(event.start_mark, event.end_mark)
        switch event.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, mark: mark)
        case YAML_DOCUMENT_START_EVENT:
            return Event(kind: .documentStart(directive(event)), mark: mark)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, mark: mark)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, mark: mark)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, mark: mark)
        case YAML_ALIAS_EVENT:
            return Event(kind: .alias(text(event.data.alias.anchor)), mark: mark)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            refuse(anchor: start.anchor, tag: start.tag, mark)
            let isFlow = start.style == YAML_FLOW_SEQUENCE_STYLE
            return Event(kind: .sequenceStart(isFlow), mark: mark)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            refuse(anchor: start.anchor, tag: start.tag, mark)
            let isFlow = start.style == YAML_FLOW_MAPPING_STYLE
            return Event(kind: .mappingStart(isFlow), mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            refuse(anchor: scalar.anchor, tag: scalar.tag, mark)
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return Event(
                kind: .scalar(String(decoding: bytes, as: UTF8.self), style(scalar.style)),
                mark: mark)
        default: return Event(kind: .streamEnd, mark: mark)
        }
    }

    private func directive(_ event: yaml_event_t) -> String? {
        let start = event.data.document_start
        if start.tag_directives.start != start.tag_directives.end {
            return "tags are not read; leave the %TAG directive out"
        }
        guard let version = start.version_directive?.pointee else { return nil }
        return version.major == 1 && version.minor == 2
            ? nil : "this file is read as YAML 1.2; leave the %YAML directive out"
    }

    private mutating func refuse(
        anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, _ mark: Mark
    ) {
        guard anchor != nil || tag != nil else { return }
        let line = source.lines.indices.contains(mark.line - 1) ? source.lines[mark.line - 1] : []
        let word = line.dropFirst(mark.column - 1).prefix { $0 != " " && $0 != "\t" }
        let place = Mark(line: mark.line, column: mark.column, length: max(1, word.count))
        if anchor != nil {
            findings.error(
                place, "'&\(text(anchor))' is an anchor; anchors and aliases are not read")
        }
        if tag != nil { findings.error(place, "'\(text(tag))' is a tag; tags are not read") }
    }

    private func style(_ style: yaml_scalar_style_t) -> YAMLNode.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .single
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .double
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private func text(_ bytes: UnsafeMutablePointer<UInt8>?) -> String {
        bytes.map { String(cString: $0) } ?? ""
    }

    func mark(_ start: yaml_mark_t, _ end: yaml_mark_t? = nil) -> Mark {
        let line = Int(start.line) + 1
        let column = Int(start.column) + 1
        guard source.lines.indices.contains(line - 1) else {
            // The end of the file, behind the line end that was added to it.
            return Mark(
                line: source.lines.count, column: (source.lines.last?.count ?? 0) + 1)
        }
        guard let end else { return Mark(line: line, column: column) }
        let last = end.line == start.line ? Int(end.column) : source.lines[line - 1].count
        return Mark(line: line, column: column, length: max(1, last - Int(start.column)))
    }
}
