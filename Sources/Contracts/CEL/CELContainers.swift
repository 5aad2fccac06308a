/// Lists, maps and JSON containers: making, looking up, membership, size.
extension CELEvaluator {
    mutating func container(_ node: CELProgram.Node, _ index: Int32) -> CELValue {
        let count = Int(node.b)
        let values = arena.allocate(CELValue.self, count: count)
        for place in 0..<count {
            let element = value(program.children[Int(node.a) + place])
            if element.isFailure { return element }
            values[place] = element
        }
        if node.operation == .list { return .list(values, count) }
        for place in stride(from: 0, to: count, by: 2) {
            switch values[place].tag {
            case .bool, .int, .uint, .string: break
            default: return .failure(.badKey, index)
            }
            for earlier in stride(from: 0, to: place, by: 2)
            where isEqual(values[place], values[earlier]) {
                return .failure(.duplicateKey, index)
            }
        }
        return .map(values, count / 2)
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

    mutating func element(of container: CELValue, _ key: CELValue, _ index: Int32) -> CELValue {
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
