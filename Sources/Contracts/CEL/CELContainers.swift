/// Lists, maps and JSON containers: making, looking up, membership, size.
extension CELEvaluator {
    mutating func list(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        let values = arena.allocate(CELValue.self, count: Int(node.b))
        var count = 0
        for place in 0..<Int(node.b) {
            let child = program.children[Int(node.a) + place]
            var element = value(child < 0 ? ~child : child)
            if element.isFailure { return element }
            if child < 0 {
                guard element.tag == .optional else { return .failure(.noOverload, index) }
                guard let held = element.held else { continue }
                element = held
            }
            values[count] = element
            count += 1
        }
        return .list(values, count)
    }

    mutating func map(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        let pairs = arena.allocate(CELValue.self, count: Int(node.b))
        var count = 0
        for place in stride(from: 0, to: Int(node.b), by: 2) {
            let key = value(program.children[Int(node.a) + place])
            if key.isFailure { return key }
            let child = program.children[Int(node.a) + place + 1]
            var entry = value(child < 0 ? ~child : child)
            if entry.isFailure { return entry }
            if child < 0 {
                guard entry.tag == .optional else { return .failure(.noOverload, index) }
                guard let held = entry.held else { continue }
                entry = held
            }
            if let failure = insert(key, entry, pairs, &count) { return .failure(failure, index) }
        }
        return .map(pairs, count)
    }

    /// Adds an entry to a map that is being made; what is wrong with its key.
    mutating func insert(
        _ key: CELValue, _ value: CELValue, _ pairs: UnsafeMutablePointer<CELValue>,
        _ count: inout Int
    ) -> CELFailure? {
        switch key.tag {
        case .bool, .int, .uint, .string: break
        default: return .badKey
        }
        spend(count)
        if steps < 0 { return .tooCostly }
        for earlier in 0..<count where isEqual(pairs[2 * earlier], key) { return .duplicateKey }
        pairs[2 * count] = key
        pairs[2 * count + 1] = value
        count += 1
        return nil
    }

    /// `failure` where the container has no such member.
    mutating func member(
        of container: CELValue, _ key: CELValue, _ failure: CELFailure, _ index: Int32
    ) -> CELValue {
        if let span = container.span, span.kind == .object {
            spend(span.length / 16)
            guard key.tag == .string, let found = span.member(key.text, &arena) else {
                return .failure(failure, index)
            }
            return value(of: found)
        }
        guard container.tag == .map else { return .failure(.noOverload, index) }
        let pairs = container.values
        for place in stride(from: 0, to: pairs.count, by: 2) where isEqual(pairs[place], key) {
            return pairs[place + 1]
        }
        return .failure(failure, index)
    }

    /// `container[key]`, and `container[?key]` where it is optional. An element of an optional is optional.
    mutating func element(
        of container: CELValue, _ key: CELValue, isOptional: Bool, _ index: Int32
    ) -> CELValue {
        var holder = container
        if container.tag == .optional {
            guard let held = container.held else { return .none }
            holder = held
        }
        let found = element(of: holder, key, index)
        guard isOptional || container.tag == .optional else { return found }
        return optional(found)
    }

    /// None where something is not there; any other failure stays one.
    mutating func optional(_ found: CELValue) -> CELValue {
        guard found.isFailure else {
            let memory = arena.allocate(CELValue.self, count: 1)
            memory.initialize(to: found)
            return .optional(memory)
        }
        switch CELFailure(rawValue: UInt8(truncatingIfNeeded: found.payload)) {
        case .noSuchMember, .noSuchKey, .indexOutOfRange: return .none
        default: return found
        }
    }

    /// `operand.name`, and `operand.?name` where it is optional.
    mutating func select(
        _ operand: CELValue, _ name: CELValue, isOptional: Bool, _ index: Int32
    ) -> CELValue {
        var holder = operand
        if operand.tag == .optional {
            guard let held = operand.held else { return .none }
            holder = held
        }
        let found = member(of: holder, name, .noSuchMember, index)
        guard isOptional || operand.tag == .optional else { return found }
        return optional(found)
    }

    mutating func hasMember(_ operand: CELValue, _ name: CELValue, _ index: Int32) -> CELValue {
        var holder = operand
        if operand.tag == .optional {
            guard let held = operand.held else { return .bool(false) }
            holder = held
        }
        guard holder.tag == .object || holder.tag == .map else {
            return .failure(.noOverload, index)
        }
        return .bool(!member(of: holder, name, .noSuchMember, index).isFailure)
    }

    private mutating func element(
        of container: CELValue, _ key: CELValue, _ index: Int32
    ) -> CELValue {
        switch container.tag {
        case .object, .map:
            switch key.tag {
            case .string, .bool, .int, .uint, .double:
                return member(of: container, key, .noSuchKey, index)
            default: return .failure(.noOverload, index)
            }
        case .list, .array: break
        default: return .failure(.noOverload, index)
        }
        guard key.isNumber else { return .failure(.noOverload, index) }
        guard let place = wholeNumber(key), place >= 0 else {
            return .failure(.indexOutOfRange, index)
        }
        if container.tag == .list {
            guard place < container.length else { return .failure(.indexOutOfRange, index) }
            return container.values[Int(place)]
        }
        guard let span = container.span else { return .failure(.noOverload, index) }
        var cursor = JSONCursor(span)
        spend(span.length / 16)
        var left = place
        while let element = cursor.nextElement() {
            if left == 0 { return value(of: element) }
            left -= 1
        }
        return .failure(.indexOutOfRange, index)
    }

    private func wholeNumber(_ value: CELValue) -> Int64? {
        switch value.tag {
        case .int: value.asInt
        case .uint: Int64(exactly: value.payload)
        default: Int64(exactly: value.asDouble)
        }
    }

    mutating func contains(_ container: CELValue, _ item: CELValue, _ index: Int32) -> CELValue {
        switch container.tag {
        case .list:
            for element in container.values {
                spend(1)
                if isEqual(element, item) { return .bool(true) }
                if steps < 0 { return .failure(.tooCostly, index) }
            }
            return .bool(false)
        case .array:
            guard let span = container.span else { return .bool(false) }
            var cursor = JSONCursor(span)
            while let element = cursor.nextElement() {
                spend(1 + element.length / 16)
                if isEqual(value(of: element), item) { return .bool(true) }
                if steps < 0 { return .failure(.tooCostly, index) }
            }
            return .bool(false)
        case .map, .object:
            return .bool(!member(of: container, item, .noSuchKey, index).isFailure)
        default: return .failure(.noOverload, index)
        }
    }

    /// Code points of a string, bytes, elements or members.
    mutating func size(_ value: CELValue, _ index: Int32) -> CELValue {
        switch value.tag {
        case .string:
            spend(value.length / 64)
            var count: Int64 = 0
            for byte in value.text where byte & 0xC0 != 0x80 { count += 1 }
            return .int(count)
        case .bytes, .list, .map: return .int(Int64(value.length))
        case .object, .array:
            guard let span = value.span else { return .int(0) }
            spend(span.length / 16)
            return .int(count(span))
        default: return .failure(.noOverload, index)
        }
    }

    func count(_ span: JSONSpan) -> Int64 {
        var cursor = JSONCursor(span)
        var count: Int64 = 0
        if span.kind == .object {
            while cursor.nextMember() != nil { count += 1 }
        } else {
            while cursor.nextElement() != nil { count += 1 }
        }
        return count
    }
}
