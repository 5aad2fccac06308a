internal import Ledger

/// Keys by hash, each present or absent: a flat table with linear probing, 16 bytes a place, at most three
/// quarters full. Five million keys take 134 MB. The lowest two bits of a place, which no hash has, hold
/// the key's state.
struct PresenceTable {
    enum State: UInt64 { case absent, present, unknown }

    /// All zeros: free.
    private typealias Place = (high: UInt64, low: UInt64)

    private var places: UnsafeMutablePointer<Place>
    private var mask: Int
    /// Places that are not free.
    private var used = 0
    /// Where unknown keys count as absent anyway, absent ones go when the table grows.
    private let forgetsAbsent: Bool

    init(forgetsAbsent: Bool) {
        self.forgetsAbsent = forgetsAbsent
        mask = 1023
        places = Self.free(mask + 1)
    }

    func deallocate() { places.deallocate() }

    private static func free(_ count: Int) -> UnsafeMutablePointer<Place> {
        let places = UnsafeMutablePointer<Place>.allocate(capacity: count)
        places.initialize(repeating: (0, 0), count: count)
        return places
    }

    /// Bytes.
    var size: Int { (mask + 1) * MemoryLayout<Place>.stride }

    /// A key that is set to unknown keeps its place until the table grows: a free one among others would
    /// hide those behind it.
    subscript(hash: KeyHash) -> State {
        get {
            let place = places[find(hash)]
            return place == (0, 0) ? .unknown : Self.state(place)
        }
        set {
            let index = find(hash)
            let isNew = places[index] == (0, 0)
            places[index] = (hash.high, hash.low | newValue.rawValue)
            guard isNew else { return }
            used += 1
            if used * 4 > (mask + 1) * 3 { grow() }
        }
    }

    private static func state(_ place: Place) -> State {
        State(rawValue: place.low & 3) ?? .unknown
    }

    /// Its place, or the free one where it would stand. A hash of zeros looks free while it is absent; one
    /// in 2^126 is.
    @inline(__always)
    private func find(_ hash: KeyHash) -> Int {
        var index = Int(truncatingIfNeeded: hash.high) & mask
        while true {
            let place = places[index]
            if place == (0, 0) || (place.high == hash.high && place.low & ~3 == hash.low) {
                return index
            }
            index = (index + 1) & mask
        }
    }

    private mutating func grow() {
        let (old, oldCount) = (places, mask + 1)
        used = (0..<oldCount).reduce(0) { $0 + (stays(old[$1]) ? 1 : 0) }
        while used * 2 > mask + 1 { mask = mask * 2 + 1 }
        places = Self.free(mask + 1)
        for index in 0..<oldCount where stays(old[index]) {
            let place = old[index]
            places[find(KeyHash(high: place.high, low: place.low))] = place
        }
        old.deallocate()
    }

    private func stays(_ place: Place) -> Bool {
        if place == (0, 0) { return false }
        return switch Self.state(place) {
        case .present: true
        case .absent: !forgetsAbsent
        case .unknown: false
        }
    }
}
