/// Macros that go over a list or a map (spec "Macros"): every element costs a step and what its body
/// costs, so a nested loop over a large record ends by its cost.
extension CELEvaluator {
    mutating func loop(_ loop: CELProgram.Loop, _ index: Int32) -> CELValue {
        let over = value(loop.over)
        if over.isFailure { return over }
        switch over.tag {
        case .list, .array, .map, .object: break
        default: return .failure(.noOverload, index)
        }
        switch loop.kind {
        case .all: return test(loop, over, decides: false, index)
        case .exists: return test(loop, over, decides: true, index)
        case .existsOne: return existsOne(loop, over, index)
        case .map, .filter, .transformList: return listed(loop, over, index)
        case .transformMap, .transformMapEntry: return mapped(loop, over, index)
        }
    }

    /// Goes over a container and sets the macro's variables.
    private struct Walk {
        var elements: CELElements
        let isMap: Bool
        let loop: CELProgram.Loop
        var place: Int64 = -1

        init(_ over: CELValue, _ loop: CELProgram.Loop) {
            elements = CELElements(over)
            isMap = over.tag == .map || over.tag == .object
            self.loop = loop
        }

        /// The element, or the key of an entry, that the first variable holds or would; nil at the end.
        mutating func next(_ evaluator: inout CELEvaluator) -> CELValue? {
            place += 1
            evaluator.spend(1)
            guard evaluator.steps >= 0 else { return nil }
            let key: CELValue
            if isMap {
                guard let found = elements.nextKey(&evaluator) else { return nil }
                let entry = elements.next(&evaluator) ?? .null
                if loop.second >= 0 { evaluator.variables[Int(loop.second)] = entry }
                key = found
            } else {
                guard let found = elements.next(&evaluator) else { return nil }
                if loop.second >= 0 { evaluator.variables[Int(loop.second)] = found }
                key = loop.second >= 0 ? .int(place) : found
            }
            evaluator.variables[Int(loop.first)] = key
            return key
        }
    }

    private func ended(_ result: CELValue, _ index: Int32) -> CELValue {
        steps < 0 ? .failure(.tooCostly, index) : result
    }

    /// all() is decided by a false, exists() by a true; what decides absorbs the failures of others.
    private mutating func test(
        _ loop: CELProgram.Loop, _ over: CELValue, decides: Bool, _ index: Int32
    ) -> CELValue {
        var walk = Walk(over, loop)
        var failure: CELValue?
        while walk.next(&self) != nil {
            let verdict = value(loop.body)
            if verdict.tag == .bool {
                if (verdict.payload != 0) == decides { return verdict }
            } else if failure == nil {
                failure = verdict.isFailure ? verdict : .failure(.noOverload, loop.body)
            }
        }
        return ended(failure ?? .bool(!decides), index)
    }

    private mutating func existsOne(
        _ loop: CELProgram.Loop, _ over: CELValue, _ index: Int32
    ) -> CELValue {
        var walk = Walk(over, loop)
        var count = 0
        while walk.next(&self) != nil {
            let verdict = value(loop.body)
            guard verdict.tag == .bool else {
                return verdict.isFailure ? verdict : .failure(.noOverload, loop.body)
            }
            if verdict.payload != 0 { count += 1 }
        }
        return ended(.bool(count == 1), index)
    }

    /// Whether the loop's condition takes the element; a failure where it has none of true and false.
    private mutating func isTaken(_ condition: Int32) -> CELValue {
        guard condition >= 0 else { return .bool(true) }
        let verdict = value(condition)
        return verdict.tag == .bool || verdict.isFailure
            ? verdict : .failure(.noOverload, condition)
    }

    private mutating func length(of over: CELValue) -> Int {
        guard let span = over.span else { return over.length }
        spend(span.length / 16)
        return Int(count(span))
    }

    private mutating func listed(
        _ loop: CELProgram.Loop, _ over: CELValue, _ index: Int32
    ) -> CELValue {
        let length = length(of: over)
        spend(length / 4)
        if steps < 0 { return .failure(.tooCostly, index) }
        let values = arena.allocate(CELValue.self, count: length)
        var walk = Walk(over, loop)
        var count = 0
        while let element = walk.next(&self) {
            let taken = isTaken(loop.kind == .filter ? loop.body : loop.condition)
            if taken.isFailure { return taken }
            if taken.payload == 0 { continue }
            let result = loop.kind == .filter ? element : value(loop.body)
            if result.isFailure { return result }
            values[count] = result
            count += 1
        }
        return ended(.list(values, count), index)
    }

    private mutating func mapped(
        _ loop: CELProgram.Loop, _ over: CELValue, _ index: Int32
    ) -> CELValue {
        let pairs = arena.allocate(CELValue.self, count: 2 * length(of: over))
        if steps < 0 { return .failure(.tooCostly, index) }
        var walk = Walk(over, loop)
        var count = 0
        while let key = walk.next(&self) {
            let taken = isTaken(loop.condition)
            if taken.isFailure { return taken }
            if taken.payload == 0 { continue }
            let result = value(loop.body)
            if result.isFailure { return result }
            var entry = (key, result)
            if loop.kind == .transformMapEntry {
                guard let only = onlyEntry(result) else { return .failure(.noOverload, loop.body) }
                entry = only
            }
            if let failure = insert(entry.0, entry.1, pairs, &count) {
                return .failure(failure, index)
            }
        }
        return ended(.map(pairs, count), index)
    }

    private func onlyEntry(_ map: CELValue) -> (CELValue, CELValue)? {
        guard map.tag == .map, map.length == 1 else { return nil }
        return (map.values[0], map.values[1])
    }
}
