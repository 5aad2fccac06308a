import Foundation

/// An own directory, removed with everything in it.
final class TemporaryDirectory {
    let path: String
    init() {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("crossdock-ledger-\(UUID().uuidString)").path
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
