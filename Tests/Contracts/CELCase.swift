import Foundation

@testable import Contracts

/// A case of CEL's conformance files in the engine's terms.
enum CELCase {
    typealias Value = [String: Any]

    // MARK: protobuf messages

    /// Whether the case speaks of protobuf messages: in its types, its bindings or its expression.
    static func needsMessages(_ test: Value) -> Bool {
        if makesMessage(test) { return true }
        let environment = test["type_env"] as? [Value] ?? []
        return environment.contains { text($0).contains("cel.expr.conformance") }
    }

    /// Whether its expression makes one.
    static func makesMessage(_ test: Value) -> Bool {
        let expression = test["expr"] as? String ?? ""
        return expression.contains("TestAllTypes")
            || expression.firstMatch(of: /[A-Z][A-Za-z0-9]*\s*\{/) != nil
    }

    private static func text(_ value: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: value)
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    // MARK: environment

    /// Variables in slots, in the order of their values, and functions.
    static func environment(_ test: Value) -> (CELEnvironment, [Value]) {
        var environment = CELEnvironment(variables: [:])
        environment.container = test["container"] as? String ?? ""
        let bindings = test["bindings"] as? [String: Value] ?? [:]
        var types: [String: CELType] = [:]
        for entry in test["type_env"] as? [Value] ?? [] {
            let name = entry["name"] as? String ?? ""
            if let ident = entry["ident"] as? Value { types[name] = type(ident["type"] as Any) }
            if let function = entry["function"] as? Value {
                environment.functions[name] = CELCase.function(name, function)
            }
        }
        for name in bindings.keys where types[name] == nil { types[name] = .dyn }
        var values: [Value] = []
        for (slot, name) in types.keys.sorted().enumerated() {
            environment.variables[name] = .init(type: types[name] ?? .dyn, source: .bound(slot))
            values.append(bindings[name]?["value"] as? Value ?? ["null_value": NSNull()])
        }
        return (environment, values)
    }

    private static func function(_ name: String, _ declaration: Value) -> CELFunction {
        let overloads = (declaration["overloads"] as? [Value] ?? []).map { overload in
            CELFunction.Overload(
                isMember: overload["is_instance_function"] as? Bool ?? false,
                parameters: (overload["params"] as? [Any] ?? []).map(type),
                result: type(overload["result_type"] as Any))
        }
        return CELFunction(name: name, overloads: overloads, call: nil, usage: name)
    }

    static func type(_ declared: Any) -> CELType {
        guard let (kind, what) = (declared as? Value)?.first else { return .dyn }
        let members = what as? Value ?? [:]
        switch kind {
        case "primitive":
            return [
                "BOOL": .bool, "INT64": .int, "UINT64": .uint, "DOUBLE": .double,
                "STRING": .string, "BYTES": .bytes,
            ][what as? String ?? ""] ?? .dyn
        case "null": return .null
        case "list_type": return .list(type(members["elem_type"] as Any))
        case "map_type":
            return .map(type(members["key_type"] as Any), type(members["value_type"] as Any))
        case "abstract_type":
            let held = members["parameter_types"] as? [Any] ?? []
            return .abstract(members["name"] as? String ?? "", held.map(type))
        case "type_param": return .parameter(what as? String ?? "")
        case "message_type":
            switch what as? String {
            case "google.protobuf.Timestamp": return .timestamp
            case "google.protobuf.Duration": return .duration
            default: return .abstract(what as? String ?? "", [])
            }
        default: return .dyn
        }
    }

    // MARK: values

    static func value(_ bound: Value, _ evaluator: inout CELEvaluator) -> CELValue {
        guard let (kind, what) = bound.first else { return .null }
        let text = Array("\(what)".utf8)
        switch kind {
        case "bool_value": return .bool(what as? Bool ?? false)
        case "int64_value": return .int(Int64("\(what)") ?? 0)
        case "uint64_value": return .uint(UInt64("\(what)") ?? 0)
        case "double_value": return .double(what as? Double ?? Double("\(what)") ?? 0)
        case "string_value": return .string(permanent(text))
        case "bytes_value":
            return .bytes(permanent(Array(Data(base64Encoded: "\(what)") ?? Data())))
        case "list_value":
            let items = (what as? Value)?["values"] as? [Value] ?? []
            let memory = UnsafeMutablePointer<CELValue>.allocate(capacity: max(items.count, 1))
            for (place, item) in items.enumerated() { memory[place] = value(item, &evaluator) }
            return .list(memory, items.count)
        case "map_value":
            let entries = (what as? Value)?["entries"] as? [Value] ?? []
            let memory = UnsafeMutablePointer<CELValue>.allocate(
                capacity: max(2 * entries.count, 1))
            for (place, entry) in entries.enumerated() {
                memory[2 * place] = value(entry["key"] as? Value ?? [:], &evaluator)
                memory[2 * place + 1] = value(entry["value"] as? Value ?? [:], &evaluator)
            }
            return .map(memory, entries.count)
        case "object_value":
            let members = what as? Value ?? [:]
            let written = Array("\(members["value"] ?? "")".utf8)
            return written.withUnsafeBufferPointer { CELTime.duration($0) }.map { .duration($0) }
                ?? .null
        default: return .null
        }
    }

    /// Lives as long as the tests.
    private static func permanent(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        for (place, byte) in bytes.enumerated() { memory[place] = byte }
        return UnsafeBufferPointer(start: memory, count: bytes.count)
    }
}
