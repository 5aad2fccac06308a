internal import Foundation

/// A value made by a thread that lives as long as the value is wanted: a child dies with the thread
/// that started it, and threads of a pool come and go.
final class Kept<Value> {
    private let ready = DispatchSemaphore(value: 0)
    private let over = DispatchSemaphore(value: 0)
    let value: Value

    init(_ make: @escaping @Sendable () throws(LabFailure) -> Value) throws(LabFailure) {
        let box = KeptBox<Value>()
        let (ready, over) = (ready, over)
        Thread.detachNewThread {
            box.result = Result { () throws(LabFailure) in try make() }
            ready.signal()
            over.wait()
        }
        ready.wait()
        switch box.result {
        case .success(let value): self.value = value
        case .failure(let failure):
            over.signal()
            throw failure
        case nil: throw LabFailure("the thread ended early")
        }
    }

    /// Lets the thread go.
    func drop() { over.signal() }
}

/// Carries the result from the thread that made it; the semaphore orders the two accesses.
private final class KeptBox<Value>: @unchecked Sendable {
    var result: Result<Value, LabFailure>?
}
