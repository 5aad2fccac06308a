/// getHours() and its like, of points in time (in UTC, or in a zone) and of durations.
extension CELEvaluator {
    mutating func part(
        _ call: CELCall, _ operands: UnsafeBufferPointer<CELValue>, _ index: Int32
    ) -> CELValue {
        let time = operands[0]
        if time.tag == .duration, operands.count == 1 { return whole(call, time.time, index) }
        guard time.tag == .timestamp else { return .failure(.noOverload, index) }
        var seconds = time.time.seconds
        if operands.count == 2 {
            guard operands[1].tag == .string else { return .failure(.noOverload, index) }
            guard let offset = offset(operands[1], at: seconds) else {
                return .failure(.badTimeZone, index)
            }
            seconds += offset
        }
        let date = CELDate(seconds)
        switch call {
        case .getDate: return .int(date.day)
        case .getDayOfMonth: return .int(date.day - 1)
        case .getDayOfWeek: return .int(date.dayOfWeek)
        case .getDayOfYear: return .int(date.dayOfYear)
        case .getFullYear: return .int(date.year)
        case .getMonth: return .int(date.month - 1)
        case .getHours: return .int(date.hour)
        case .getMinutes: return .int(date.minute)
        case .getSeconds: return .int(date.second)
        default: return .int(Int64(time.time.nanoseconds / 1_000_000))
        }
    }

    /// A duration in whole hours, minutes or seconds; its milliseconds are those of its last second.
    private func whole(_ call: CELCall, _ time: CELTime, _ index: Int32) -> CELValue {
        switch call {
        case .getHours: .int(time.seconds / 3600)
        case .getMinutes: .int(time.seconds / 60)
        case .getSeconds: .int(time.seconds)
        case .getMilliseconds: .int(Int64(time.nanoseconds / 1_000_000))
        default: .failure(.noOverload, index)
        }
    }

    /// Seconds to add to UTC.
    private mutating func offset(_ zone: CELValue, at seconds: Int64) -> Int64? {
        let name = String(decoding: zone.text, as: UTF8.self)
        if let fixed = CELTimeZone.offset(name) { return fixed }
        if zones[name] == nil {
            spend(1000)
            zones[name] = CELTimeZone.named(name)
        }
        return zones[name]?.offset(at: seconds)
    }
}
